// The form of a new prediction.

import { call } from "./api.js";
import { byId, formula, say } from "./show.js";

const NUMBERS = ["candidates", "top", "pressure", "phonons", "temperature", "max_atoms", "seed"];
const TRUTHS = ["relax", "follow_modes", "known_phases"];

function request() {
  const values = { formula: byId("formula").value.trim() };
  for (const name of TRUTHS) values[name] = byId(name).value === "yes";
  for (const name of NUMBERS) {
    if (byId(name).value !== "") values[name] = Number(byId(name).value);
  }
  for (const name of ["potential", "dispersion", "order"]) values[name] = byId(name).value;
  values.generators = [byId("generators").value];
  if (byId("space_group").value !== "") values.space_group = Number(byId("space_group").value);
  if (byId("cell").value.trim() !== "") values.cell = byId("cell").value.trim();
  return values;
}

export function setUpForm(onStart, onTrouble) {
  const field = byId("formula");
  const wrong = byId("new-wrong");
  const refuse = (sentence) => {
    wrong.textContent = sentence;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  };
  byId("new").addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    field.removeAttribute("aria-invalid");
    if (field.value.trim() === "") return refuse("Type a formula, for example Zr4Al3.");
    const button = event.submitter ?? byId("new").querySelector("button");
    button.disabled = true;
    try {
      const job = await call("POST", "/api/jobs", request());
      say(`Started ${formula(job.formula)}.`);
      field.value = "";
      onStart(job);
    } catch (error) {
      if (!onTrouble(error)) refuse(error.message);
    } finally {
      button.disabled = false;
    }
  });
}
