// Chemical systems: the form, the list, and the hull of one of them.

import { call, explorationPath } from "./api.js";
import { pressures, queued } from "./inputs.js";
import { byId, element, formula, number, percent, phaseGroup, say, table, time } from "./show.js";

const PAGE = 50;
let wanted = PAGE;
let shown = { id: "", pressure: null, written: "" };

export const systemName = (line) => line.system || line.id;
const compounds = (count) => `${count} compound${count === 1 ? "" : "s"}`;
const gpa = (values) => `${values.join(", ")} GPa`;

/** "12 of 40 formulas, 5.2 per minute, about 6 min left"; "" before the first one. */
export function explorationWords(job) {
  const stage = job.stages.find((item) => item.name === "formulas");
  if (!stage) return "";
  const words = [stage.total > 0 ? `${stage.done} of ${stage.total} formulas` : `${stage.done} formula${stage.done === 1 ? "" : "s"}`];
  if (stage.per_minute) words.push(`${stage.per_minute.toFixed(1)} per minute`);
  if (stage.done === 0 && job.status === "running") words.push("loading the networks");
  if (job.seconds_left !== null) words.push(`about ${job.seconds_left < 90 ? `${Math.round(job.seconds_left)} s` : `${Math.round(job.seconds_left / 60)} min`} left`);
  return words.join(", ");
}

/** The compounds on the hull after the last round, e.g. "On the hull: Li₂S, Li₃P." */
export function hullWords(line) {
  if (!line) return "The first hull comes after the first round of formulas.";
  return line.on_hull.length ? `On the hull: ${line.on_hull.map(formula).join(", ")}.` : "No compound on the hull yet.";
}

function request() {
  const value = (id) => byId(`explore-${id}`).value.trim();
  const values = {
    system: value("system"),
    budget: `${value("amount")}${value("unit")}`,
    pressure: pressures(value("pressure")),
    generators: [value("generators")],
    potential: value("potential"),
    dispersion: value("dispersion"),
    known_phases: value("known") === "yes",
  };
  for (const [name, id] of [["max_atoms", "atoms"], ["candidates", "candidates"], ["seed", "seed"]]) {
    if (value(id) !== "") values[name] = Number(value(id));
  }
  return values;
}

/** The field that a sentence is about. */
const SUBJECTS = [
  [/budget|formulas at most|minutes at most/, "amount"],
  [/pressure/, "pressure"],
  [/max.atoms/, "atoms"],
  [/candidates|structures of a formula/, "candidates"],
];

export function setUpExplore(onStart, onTrouble) {
  const form = byId("explore");
  const field = byId("explore-system");
  const wrong = byId("explore-wrong");
  const said = byId("explore-said");
  const refuse = (sentence) => {
    said.textContent = "";
    wrong.textContent = sentence;
    const input = byId(`explore-${SUBJECTS.find(([pattern]) => pattern.test(sentence))?.[1] ?? "system"}`);
    const folded = input.closest("details");
    if (folded) folded.open = true;
    input.setAttribute("aria-invalid", "true");
    input.focus();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    wrong.textContent = "";
    for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    if (field.value.trim() === "") return refuse("Name the elements of a chemical system, for example Li-P-S.");
    if (!(Number(byId("explore-amount").value) > 0)) return refuse("Give the budget as a number of formulas or minutes, for example 40.");
    const button = event.submitter ?? form.querySelector("button");
    button.disabled = true;
    said.textContent = `Checking the request for ${field.value.trim()}…`;
    try {
      const job = await call("POST", "/api/explorations", request());
      said.textContent = queued(job, job.formula);
      say(`Started ${job.formula}.`);
      field.value = "";
      onStart(job);
    } catch (error) {
      if (!onTrouble(error)) refuse(error.message);
    } finally {
      button.disabled = false;
    }
  });
}

/** Sets the limits of this server. */
export function limitExplorations(limits) {
  byId("explore-candidates").max = limits.candidates;
  const amount = byId("explore-amount");
  const limit = () => (amount.max = byId("explore-unit").value === "min" ? limits.seconds / 60 : limits.formulas);
  byId("explore-unit").addEventListener("change", limit);
  limit();
}

function buttons(line, actions) {
  const said = `${systemName(line)}, ${time(line.written)}`;
  const made = element("span", { class: "buttons" });
  if (!line.problem) {
    made.append(element("button", { "aria-label": `Show ${said}`, click: () => actions.showExploration(line.id) }, "Show"));
    if (line.on_hull.length || line.rounds) made.append(...files(line.id, line.pressures_gpa[0], line.pressures_gpa.length > 1, said));
  }
  if (line.removable) made.append(element("button", { "aria-label": `Delete ${said}`, click: () => actions.remove(line.id, said) }, "Delete"));
  return made;
}

/** Links to the files of a hull: the first one opens its page. */
function files(id, pressure, several, said) {
  const link = (title, path, attributes) => element("a", { href: path, "aria-label": `${title} of ${said}`, ...attributes }, title);
  const query = `?pressure=${pressure}`;
  return [
    link("Hull in 3D", explorationPath(id, several ? `/${pressure}GPa/hull` : "/hull"), { target: "_blank", rel: "noopener" }),
    link("hull.csv", explorationPath(id, `/table${query}`), { download: true }),
    link("Zip", explorationPath(id, "/zip"), { download: true }),
  ];
}

const columns = (actions) => [
  { title: "System", text: true, cell: systemName },
  { title: "Open", text: true, cell: (line) => buttons(line, actions) },
  { title: "Pressure (GPa)", text: true, cell: (line) => (line.pressures_gpa.join() === "0" ? "" : line.pressures_gpa.join(", ")) },
  { title: "Formulas", cell: (line) => (line.problem ? "" : String(line.formulas)) },
  { title: "On the hull", text: true, cell: (line) => shortened(line.on_hull) },
  { title: "Written", text: true, cell: (line) => time(line.written) },
  { title: "State", text: true, bad: (line) => line.problem, cell: (line) => line.problem || (line.stopped ? "" : "not finished") },
];

function shortened(formulas) {
  const first = formulas.slice(0, 6).map(formula).join(", ");
  return formulas.length > 6 ? `${first} and ${formulas.length - 6} more` : first;
}

/** Reads the list and draws it; it is hidden while it is empty. */
export async function drawExplorations(actions) {
  const page = await call("GET", `/api/explorations?count=${Math.min(wanted, 200)}`);
  table(byId("explorations"), columns(actions), page.explorations, (line) => ({ "data-exploration": line.id, title: line.id }));
  byId("explorations-section").hidden = page.total === 0;
  byId("explorations-count").textContent = `${page.explorations.length} of ${page.total}, latest first`;
  byId("more-explorations").hidden = page.explorations.length >= Math.min(page.total, 200);
}

export function showMoreExplorations() {
  wanted += PAGE;
}

const phaseColumns = (view, actions) => [
  { title: "Formula", text: true, cell: (row) => formula(row.formula) },
  { title: "Space group", text: true, cell: phaseGroup },
  { title: "Open", text: true, cell: (row) => phaseLinks(view, row, actions) },
  { title: "Above hull (eV/atom)", cell: (row) => number(row.energy_above_hull_per_atom_ev, 3) },
  { title: "Formation (eV/atom)", cell: (row) => number(row.formation_energy_per_atom_ev, 3) },
  { title: "Known", text: true, cell: (row) => row.known },
  { title: "Source", text: true, cell: (row) => row.source },
  { title: "Existence (%)", cell: (row) => percent(row.existence) },
  { title: "Probability (%)", cell: (row) => percent(row.probability) },
  { title: "Volume (Å³/atom)", cell: (row) => number(row.volume_per_atom_a3, 2) },
  { title: "Decomposes into", text: true, cell: (row) => formula(row.decomposition) },
];

/** Id of the run of a phase: the names of its folders, in which a "~" is written "~.". */
const runOf = (view, row) => [view.id, ...row.run.split("/")].map((name) => name.replaceAll("~", "~.")).join("~");

/** The list of the run of a phase, and its CIF file. */
function phaseLinks(view, row, actions) {
  if (!row.run && !row.file) return "";
  const said = [row.formula, row.space_group_symbol].filter(Boolean).join(", ");
  const made = element("span", { class: "buttons" });
  if (row.run) made.append(element("button", { "aria-label": `Run of ${said}`, click: () => actions.show(runOf(view, row)) }, "Run"));
  if (row.file) {
    const name = row.file.slice(row.file.lastIndexOf("/") + 1);
    const path = explorationPath(view.id, `/structures/${encodeURIComponent(name)}?pressure=${view.pressure_gpa}`);
    made.append(element("a", { href: path, download: true, "aria-label": `CIF of ${said}` }, "CIF"));
  }
  return made;
}

function links(view, actions) {
  const made = view.has_page ? files(view.id, view.pressure_gpa, view.pressures_gpa.length > 1, view.system) : [];
  if (view.pressures_gpa.length > 1) {
    const options = view.pressures_gpa.map((value) => element("option", { value, selected: value === view.pressure_gpa }, `${value} GPa`));
    const choice = element("select", { id: "exploration-pressure", change: (event) => actions.showExploration(view.id, Number(event.target.value)) }, ...options);
    made.unshift(element("label", {}, "Pressure ", choice));
  }
  if (view.removable) made.push(element("button", { "aria-label": `Delete ${view.system}`, click: () => actions.remove(view.id, view.system) }, "Delete"));
  return made;
}

const FIGURES = {
  hull: "Convex hull",
  potentials: "Regions of the chemical potentials",
  pressures: "Pressures at which each compound is on the hull",
};

async function draw(id, pressure, actions) {
  const view = await call("GET", explorationPath(id, pressure === null ? "" : `?pressure=${pressure}`));
  const several = view.pressures_gpa.length > 1;
  const where = several || view.pressure_gpa !== 0 ? ` at ${gpa([view.pressure_gpa])}` : "";
  const stable = view.phases.filter((row) => row.energy_above_hull_per_atom_ev === 0).map((row) => row.formula);
  const onHull = [...new Set(stable)].filter((name) => /\d|[A-Z].*[A-Z]/.test(name));
  byId("exploration-title").textContent = `${view.system}${where}: ${compounds(onHull.length)} on the hull`;
  byId("exploration-links").replaceChildren(...links(view, actions));
  byId("exploration-lead").textContent = view.phases.length
    ? `${view.formulas} of ${view.considered} considered formulas predicted, ${view.rounds} finished round${view.rounds === 1 ? "" : "s"}. ${view.stopped ? `It ended because ${view.stopped}.` : "It has not ended."}`
    : "There is no hull yet: the first one comes after the first round of formulas.";
  offerMore(view);
  const images = view.figures.map((name) => {
    const query = new URLSearchParams({ name, pressure: view.pressure_gpa, written: view.written });
    return element("img", { src: explorationPath(id, `/figure?${query}`), alt: `${FIGURES[name]} of ${view.system}${name === "pressures" ? "" : where}` });
  });
  byId("exploration-figures").replaceChildren(element("div", { class: "figures" }, ...images));
  table(byId("exploration-table"), phaseColumns(view, actions), view.phases);
  byId("exploration-table").hidden = view.phases.length === 0;
  const more = view.more ? `${view.more} more phases are in hull.csv, ` : "";
  const failures = view.failures ? `${view.failures} formulas failed, ` : "";
  byId("exploration-facts").textContent = `${more}${failures}${view.id}${view.potential ? `, ${view.potential}` : ""}`;
  byId("exploration").hidden = false;
  shown = { id, pressure, written: view.written };
}

/** Shows the form of a new budget for an exploration of this server that has ended. */
function offerMore(view) {
  const again = !byId("continue").hidden && shown.id === view.id;
  byId("continue").hidden = !view.removable;
  byId("continue-wrong").textContent = "";
  if (!again) byId("continue-amount").value = String(Math.max(8, 2 * view.formulas));
}

export function setUpContinue(onStart, onTrouble) {
  byId("continue").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = byId("continue-wrong");
    wrong.textContent = "";
    const amount = byId("continue-amount").value;
    try {
      if (!(Number(amount) > 0)) throw new Error("Give the budget as a number of formulas or minutes, for example 40.");
      const job = await call("POST", explorationPath(shown.id, "/continue"), { budget: `${amount}${byId("continue-unit").value}` });
      byId("continue").hidden = true;
      byId("exploration").focus();
      say(`${job.formula} continues.`);
      onStart(job);
    } catch (error) {
      if (!onTrouble(error)) wrong.textContent = error.message;
    }
  });
}

/** Opens an exploration on the page and moves the focus there. */
export async function drawExploration(id, actions, pressure = null) {
  const again = shown.id === id && document.activeElement?.id === "exploration-pressure";
  await draw(id, pressure, actions);
  (again ? byId("exploration-pressure") : byId("exploration")).focus();
}

/** Draws the open exploration again if its job has written a new hull; the focus stays where it is. */
export async function refreshExploration(jobs, actions) {
  if (byId("exploration").hidden) return;
  const written = jobs.find((job) => job.id === shown.id)?.exploration?.written;
  if (written && written !== shown.written && !byId("exploration").contains(document.activeElement?.closest("select, button, a"))) {
    await draw(shown.id, shown.pressure, actions);
  }
}

export function hideExploration(id) {
  if (shown.id !== id) return;
  byId("exploration").hidden = true;
  shown = { id: "", pressure: null, written: "" };
}
