// The list of runs, and the structures of one of them.

import { call, runPath } from "./api.js";
import { byId, element, formula, number, symbol, table, time } from "./show.js";

const PAGE = 50;
let wanted = PAGE;

const place = (row) => `${symbol(row.space_group_symbol)} (${row.space_group_number})`;

function line(run, actions) {
  const name = formula(run.formula) || run.id;
  const said = `${run.formula || run.id}, ${time(run.written)}`;
  const buttons = element("span", { class: "buttons" });
  if (!run.problem) {
    buttons.append(
      element("button", { "aria-label": `Show ${said}`, click: () => actions.show(run.id) }, "Show"),
      element("a", { href: runPath(run.id, "/report"), target: "_blank", rel: "noopener", "aria-label": `Report of ${said}, new tab` }, "Report"),
    );
  }
  buttons.append(element("a", { href: runPath(run.id, "/zip"), download: true, "aria-label": `Zip file of ${said}` }, "Zip"));
  if (run.removable) buttons.append(element("button", { "aria-label": `Delete ${said}`, click: () => actions.remove(run.id, said) }, "Delete"));
  const state = run.problem || (run.complete ? "" : "interrupted");
  return element(
    "tr",
    { "data-run": run.id },
    element("th", { scope: "row", title: run.id }, name),
    element("td", {}, String(run.structures)),
    element("td", { class: "text" }, run.best ? place(run.best) : ""),
    element("td", {}, run.best ? number(run.best.energy_per_atom_ev, 4) : ""),
    element("td", { class: "text" }, time(run.written)),
    element("td", { class: state ? "text bad" : "text" }, state),
    element("td", { class: "text" }, buttons),
  );
}

/** Reads the list, draws it, and returns the runs shown. */
export async function drawRuns(actions) {
  const runs = [];
  let total = 0;
  while (runs.length < wanted) {
    const page = await call("GET", `/api/runs?first=${runs.length}&count=${PAGE}`);
    total = page.total;
    runs.push(...page.runs);
    if (page.runs.length < PAGE) break;
  }
  const headings = [["Formula", true], ["Structures"], ["Best space group", true], ["Energy (eV/atom)"], ["Written", true], ["State", true], ["", true]];
  table(byId("runs"), headings, runs.map((run) => line(run, actions)));
  byId("runs").hidden = runs.length === 0;
  byId("runs-count").textContent = total === 0 ? "No runs yet: type a formula above." : `${runs.length} of ${total}, latest first`;
  byId("more").hidden = runs.length >= total;
  return runs;
}

export function showMore() {
  wanted += PAGE;
}

function structureLine(run, row) {
  const file = runPath(run.id, `/structures/${row.rank}/cif`);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, String(row.rank)),
    element("td", { class: "text" }, place(row)),
    element("td", { class: "text" }, formula(row.cell_formula)),
    element("td", {}, number(row.energy_per_atom_ev, 4)),
    element("td", {}, number(row.volume_per_atom_a3, 2)),
    element("td", {}, String(row.chemical_rank)),
    element("td", {}, row.energy_rank === null ? "" : String(row.energy_rank)),
    element("td", { class: row.converged === false ? "bad" : null }, row.converged === null ? "" : row.converged ? "yes" : "no"),
    element("td", { class: "text" }, element("a", { href: file, download: true, "aria-label": `CIF of rank ${row.rank}` }, "CIF")),
  );
}

/** Opens one run on the page and moves the focus there. */
export async function drawRun(id) {
  const run = await call("GET", runPath(id));
  const report = runPath(id, "/report");
  byId("run-title").textContent = `${formula(run.formula)}: ${run.structures.length} structures`;
  byId("run-links").replaceChildren(
    element("a", { id: "run-report", href: report, target: "_blank", rel: "noopener" }, "Report with 3D view"),
    element("a", { id: "run-zip", href: runPath(id, "/zip"), download: true }, "Zip"),
  );
  const notes = run.complete ? run.notes : ["This run was interrupted: the list holds what was finished by then.", ...run.notes];
  byId("run-notes").replaceChildren(...notes.map((note) => element("p", { class: "notice" }, note)));
  const headings = [["Rank"], ["Space group", true], ["Cell", true], ["Energy (eV/atom)"], ["Volume (Å³/atom)"], ["Chemical rank"], ["Energy rank"], ["Converged"], ["File", true]];
  table(byId("run-table"), headings, run.structures.map((row) => structureLine(run, row)));
  byId("run-facts").textContent = `${run.id}, ${run.candidates} candidates, ${run.potential ?? "not relaxed"}, seed ${run.seed}`;
  byId("run").hidden = false;
  byId("run").dataset.run = id;
  byId("run").focus();
}

export function hideRun(id) {
  if (byId("run").dataset.run === id) byId("run").hidden = true;
}
