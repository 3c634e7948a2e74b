// The form of a new prediction.

import { call } from "./api.js";
import { byId, formula, say } from "./show.js";

const NUMBERS = ["candidates", "top", "phonons", "temperature", "max_atoms", "seed"];
const TRUTHS = ["relax", "follow_modes", "known_phases"];

let maxPatternMb = Infinity;

/** Sets the limit of this server for a powder pattern. */
export function limitPatterns(megabytes) {
  maxPatternMb = megabytes;
}

/** One pressure, or a list of several; what is no number stays text, which the server refuses with a sentence. */
function pressures() {
  const words = byId("pressure").value.split(/[,;\s]+/).filter(Boolean);
  const values = words.map((word) => (Number.isFinite(Number(word)) ? Number(word) : word));
  return values.length > 1 ? values : (values[0] ?? 0);
}

/** The name and the content of the chosen powder pattern in base64; nothing where none is chosen. */
async function pattern() {
  const [file] = byId("xrd").files;
  if (!file) return {};
  if (file.size > maxPatternMb * 1e6) {
    throw new Error(`${file.name} is larger than ${maxPatternMb} MB, the limit of this server for a powder pattern: give a smaller one.`);
  }
  const address = await new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result));
    reader.addEventListener("error", () => fail(new Error(`${file.name} cannot be read: choose it again.`)));
    reader.readAsDataURL(file);
  });
  return { xrd: address.slice(address.indexOf(",") + 1), xrd_name: file.name };
}

function request() {
  const values = { formula: byId("formula").value.trim() };
  for (const name of TRUTHS) values[name] = byId(name).value === "yes";
  for (const name of NUMBERS) {
    if (byId(name).value !== "") values[name] = Number(byId(name).value);
  }
  for (const name of ["potential", "dispersion", "order"]) values[name] = byId(name).value;
  values.pressure = pressures();
  for (const name of ["rerank", "wavelength"]) {
    if (byId(name).value.trim() !== "") values[name] = byId(name).value.trim();
  }
  values.generators = [byId("generators").value];
  if (byId("space_group").value !== "") values.space_group = Number(byId("space_group").value);
  if (byId("cell").value.trim() !== "") values.cell = byId("cell").value.trim();
  return values;
}

export function setUpForm(onStart, onTrouble) {
  const field = byId("formula");
  const wrong = byId("new-wrong");
  /** The field that a sentence is about. */
  const meant = (sentence) => {
    const [file] = byId("xrd").files;
    if (/wavelength/.test(sentence)) return byId("wavelength");
    return file && sentence.startsWith(file.name) ? byId("xrd") : field;
  };
  const refuse = (sentence) => {
    wrong.textContent = sentence;
    meant(sentence).setAttribute("aria-invalid", "true");
    meant(sentence).focus();
  };
  const showRemoval = () => (byId("xrd-remove").hidden = byId("xrd").files.length === 0);
  byId("xrd").addEventListener("change", showRemoval);
  byId("xrd-remove").addEventListener("click", () => {
    byId("xrd").value = "";
    byId("wavelength").value = "";
    showRemoval();
    byId("xrd").focus();
  });
  showRemoval(); // a browser keeps the file of a reloaded page
  byId("new").addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    for (const input of [field, byId("xrd"), byId("wavelength")]) input.removeAttribute("aria-invalid");
    if (field.value.trim() === "") return refuse("Type a formula, for example Zr4Al3.");
    const button = event.submitter ?? byId("new").querySelector("button");
    button.disabled = true;
    try {
      const job = await call("POST", "/api/jobs", { ...request(), ...(await pattern()) });
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
