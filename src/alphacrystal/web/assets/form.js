// The form of a new prediction.

import { call } from "./api.js";
import { chosenFiles, pressures, queued, uploads } from "./inputs.js";
import { byId, formula, say } from "./show.js";

const NUMBERS = ["candidates", "top", "phonons", "temperature", "max_atoms", "rerank_steps", "seed", "order_max_atoms", "order_candidates"];
const TRUTHS = ["relax", "follow_modes", "known_phases"];
const CHOICES = ["potential", "dispersion", "order"];
const TEXTS = ["rerank", "wavelength", "cell", "lattice_tolerance"];
const FILES = ["xrd", "seed_structures", "fix_sublattice", "disordered", "solid_solution"];
const DISORDER = ["disordered", "solid_solution"];

/** The field that a sentence of the server is about; the first that fits. */
const SUBJECTS = [
  [/wavelength|radiation/i, "wavelength"],
  [/lattice.tolerance|percentage/, "lattice_tolerance"],
  [/space.group|giv\w* the symbol/, "space_group"],
  [/lattice|close to a cell/i, "lattice"],
  [/min.distance|two elements and a distance/, "min_distance"],
  [/seed structure|seed_structures/, "seed_structures"],
  [/framework|sublattice/, "fix_sublattice"],
  [/rerank.steps/, "rerank_steps"],
  [/rerank/, "rerank"],
  [/phonons/, "phonons"],
  [/pressure/, "pressure"],
  [/order.max.atoms/, "order_max_atoms"],
  [/order.candidates|ordered approximants at most/, "order_candidates"],
  [/disordered crystal|--disordered/, "disordered"],
  [/solid.solution|parent compound/, "solid_solution"],
  [/alloy/, "alloy"],
  [/max.atoms/, "max_atoms"],
  [/--cell|The cell /, "cell"],
  [/candidates|structures at most/, "candidates"],
];

const limits = { pattern: Infinity, structures: Infinity };

/** Sets the limits of this server for uploaded files, in MB. */
export function limitFiles(pattern, structures) {
  Object.assign(limits, { pattern, structures });
}

/** The uploaded files; nothing where none is chosen. */
async function files() {
  const found = {};
  const [xrd] = await uploads(byId("xrd"), limits.pattern, "a powder pattern");
  if (xrd) Object.assign(found, { xrd: xrd.content, xrd_name: xrd.name });
  const seeds = await uploads(byId("seed_structures"), limits.structures, "structure files");
  if (seeds.length) found.seed_structures = seeds;
  const [framework] = await uploads(byId("fix_sublattice"), limits.structures, "structure files");
  if (framework) found.fix_sublattice = framework;
  for (const name of DISORDER) {
    const [file] = await uploads(byId(name), limits.structures, "structure files");
    if (file) found[name] = file;
  }
  return found;
}

/** Numbers of a text such as "4.6, 4.6, 3, 90, 90, 90"; one number is the edge of a cubic cell. */
function lattice(text) {
  const words = text.split(/[,;\s]+/).filter(Boolean);
  const values = words.map((word) => (Number.isFinite(Number(word)) ? Number(word) : word));
  return values.length === 1 ? values[0] : values;
}

/** Limits by pair from a text such as "O-O=2.2, Ti-O=1.7"; the server refuses those that it cannot read. */
function distances(text) {
  const pairs = text.split(/[,;]/).map((item) => item.trim()).filter(Boolean);
  return Object.fromEntries(
    pairs.map((item) => {
      const [pair, value] = item.split(/\s*[=:]\s*/);
      if (!Number.isFinite(Number.parseFloat(value))) {
        throw new Error(`min_distance: give two elements and a distance in Å, e.g. O-O=2.2, not "${item}".`);
      }
      return [pair, Number.parseFloat(value)];
    }),
  );
}

function request() {
  const values = { formula: byId("formula").value.trim() };
  const text = (name) => byId(name).value.trim();
  for (const name of TRUTHS) values[name] = byId(name).value === "yes";
  for (const name of NUMBERS) {
    if (text(name) !== "") values[name] = Number(text(name));
  }
  for (const name of CHOICES) values[name] = byId(name).value;
  for (const name of TEXTS) {
    if (text(name) !== "") values[name] = text(name);
  }
  values.pressure = pressures(text("pressure"));
  values.generators = [byId("generators").value];
  if (text("alloy") !== "") values.alloy = text("alloy").split(",");
  const group = text("space_group");
  if (group !== "") values.space_group = /^\d+$/.test(group) ? Number(group) : group;
  if (text("lattice") !== "") values.lattice = lattice(text("lattice"));
  if (text("min_distance") !== "") values.min_distance = distances(text("min_distance"));
  return values;
}

/** The field that a sentence is about: that of a file or a setting which it names, else the formula. */
function meant(sentence) {
  const owner = FILES.find((id) => chosenFiles(byId(id)).some((file) => sentence.includes(file.name)));
  return byId(owner && !/wavelength/i.test(sentence) ? owner : (SUBJECTS.find(([pattern]) => pattern.test(sentence))?.[1] ?? "formula"));
}

function setUpFiles() {
  const structures = ["seed_structures", "fix_sublattice"];
  const shown = () => {
    byId("xrd-remove").hidden = byId("xrd").files.length === 0;
    byId("files-remove").hidden = structures.every((id) => byId(id).files.length === 0);
    byId("disorder-remove").hidden = DISORDER.every((id) => byId(id).files.length === 0);
  };
  for (const id of FILES) byId(id).addEventListener("change", shown);
  byId("xrd-remove").addEventListener("click", () => {
    byId("xrd").value = "";
    byId("wavelength").value = "";
    shown();
    byId("xrd").focus();
  });
  byId("files-remove").addEventListener("click", () => {
    for (const id of structures) byId(id).value = "";
    shown();
    byId("seed_structures").focus();
  });
  byId("disorder-remove").addEventListener("click", () => {
    for (const id of DISORDER) byId(id).value = "";
    shown();
    byId("disordered").focus();
  });
  shown(); // a browser keeps the files of a reloaded page
}

export function setUpForm(onStart, onTrouble) {
  const field = byId("formula");
  const wrong = byId("new-wrong");
  const said = byId("new-said");
  const refuse = (sentence) => {
    said.textContent = "";
    wrong.textContent = sentence;
    const input = meant(sentence);
    const folded = input.closest("details");
    if (folded) folded.open = true;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  setUpFiles();
  byId("new").addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    for (const input of byId("new").querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    const [crystal] = chosenFiles(byId("disordered"));
    const name = formula(field.value.trim()) || crystal?.name;
    if (!name) return refuse("Type a formula, for example Zr4Al3.");
    const button = event.submitter ?? byId("new").querySelector("button");
    button.disabled = true;
    said.textContent = `Checking the request for ${name}…`;
    try {
      const job = await call("POST", "/api/jobs", { ...request(), ...(await files()) });
      said.textContent = queued(job, formula(job.formula));
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
