// The list of runs, and the structures of one of them.

import { call, computed, runPath } from "./api.js";
import { DENSITY, LATTICE, RANK, SPACE_GROUP, VOLUME, byId, element, energy, energyOf, formula, number, percent, spaceGroup, say, table, time } from "./show.js";

const PAGE = 50;
let wanted = PAGE;

function buttons(run, actions) {
  const said = `${run.formula || run.id}, ${time(run.written)}`;
  const made = element("span", { class: "buttons" });
  if (!run.problem) {
    made.append(
      element("button", { "aria-label": `Show ${said}`, click: () => actions.show(run.id) }, "Show"),
      element("a", { href: runPath(run.id, "/report"), target: "_blank", rel: "noopener", "aria-label": `Report of ${said}, new tab` }, "Report"),
    );
  }
  if (run.series) made.append(element("button", { "aria-label": `Pressures of ${said}`, click: () => actions.showSeries(run.series) }, "Pressures"));
  made.append(element("a", { href: runPath(run.id, "/zip"), download: true, "aria-label": `Zip file of ${said}` }, "Zip"));
  if (run.removable) made.append(element("button", { "aria-label": `Delete ${said}`, click: () => actions.remove(run.id, said) }, "Delete"));
  return made;
}

const columns = (actions) => [
  { title: "Formula", text: true, cell: (run) => formula(run.formula) || run.id },
  { title: "Open", text: true, cell: (run) => buttons(run, actions) },
  { title: "Pressure (GPa)", cell: (run) => (run.pressure_gpa === 0 && !run.series ? "" : String(run.pressure_gpa)) },
  { title: "Structures", cell: (run) => String(run.structures) },
  { title: "Best space group", text: true, cell: (run) => (run.best ? spaceGroup(run.best) : "") },
  { title: "R_wp (%)", cell: (run) => percent(run.best?.r_wp) },
  { title: "Energy or enthalpy (eV/atom)", cell: (run) => (run.best ? number(energy(run.best), 4) : "") },
  { title: "Written", text: true, cell: (run) => time(run.written) },
  { title: "State", text: true, bad: (run) => run.problem || !run.complete, cell: (run) => run.problem || (run.complete ? "" : "interrupted") },
];

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
  table(byId("runs"), columns(actions), runs, (run) => ({ "data-run": run.id, title: run.id }));
  byId("runs").hidden = runs.length === 0;
  byId("runs-count").textContent = total === 0 ? "No runs yet: type a formula above." : `${runs.length} of ${total}, latest first`;
  byId("more").hidden = runs.length >= total;
  return runs;
}

export function showMore() {
  wanted += PAGE;
}

/** Saves a POSCAR file, which the server may have to compute first. */
async function savePoscar(path, name) {
  const answer = await computed(path, () => say(`The server writes the ${name}.`));
  const file = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "POSCAR";
  const address = URL.createObjectURL(await answer.blob());
  element("a", { href: address, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function fileLinks(run, row, onError) {
  const link = (format, title, attributes = {}) =>
    element("a", { href: runPath(run.id, `/structures/${row.rank}/${format}`), download: true, "aria-label": `${title} of rank ${row.rank}`, ...attributes }, title);
  const click = (event) => {
    event.preventDefault();
    savePoscar(event.currentTarget.href, `POSCAR of rank ${row.rank}`).catch(onError);
  };
  return element("span", { class: "buttons" }, link("cif", "CIF"), link("poscar", "POSCAR", { click }));
}

const secondTitle = (rows) => `${rows.find((row) => row.second_potential)?.second_potential ?? ""}: eV/atom above lowest`;

const structureColumns = (run, onError) => [
  RANK,
  SPACE_GROUP,
  { title: "Probability (%)", cell: (row) => percent(row.probability) },
  { title: "Files", text: true, cell: (row) => fileLinks(run, row, onError) },
  { title: "R_wp (%)", cell: (row) => percent(row.r_wp) },
  { title: "Unexplained peaks", cell: (row) => (row.unexplained_peaks === null ? "" : String(row.unexplained_peaks)) },
  { title: "Prototype", text: true, cell: (row) => row.prototype },
  { title: "Known", text: true, cell: (row) => row.known || row.novelty },
  energyOf(run.structures),
  { title: "Above hull (eV/atom)", cell: (row) => number(row.energy_above_hull_per_atom_ev, 3) },
  { title: "Formation (eV/atom)", cell: (row) => number(row.formation_energy_per_atom_ev, 3) },
  ...LATTICE,
  DENSITY,
  VOLUME,
  { title: "At 0.01 Å", cell: (row) => (row.space_group_number_tight === null ? "" : String(row.space_group_number_tight)) },
  { title: "Cell", text: true, cell: (row) => formula(row.cell_formula) },
  { title: "Equivalent arrangements", cell: (row) => (row.arrangements === null ? "" : String(row.arrangements)) },
  { title: "Chemical rank", cell: (row) => String(row.chemical_rank) },
  { title: "Energy rank", cell: (row) => (row.energy_rank === null ? "" : String(row.energy_rank)) },
  { title: secondTitle(run.structures), cell: (row) => number(row.second_above_lowest_per_atom_ev, 4) },
  { title: "Its rank", cell: (row) => (row.second_energy_rank === null ? "" : String(row.second_energy_rank)) },
  { title: "Converged", bad: (row) => row.converged === false, cell: (row) => (row.converged === null ? "" : row.converged ? "yes" : "no") },
];

const shares = (contents) => Object.entries(contents).map(([symbol, share]) => `${Number(share.toFixed(4))} ${symbol}`).join(", ");

/** The sites and disorder groups of the disordered crystals of a run. */
const disorderRows = (run) =>
  run.disorder.flatMap((item) => [
    ...item.sites.map((site) => ({ parent: item.parent, name: site.label, count: site.sites, file: shares(site.occupancies), near: shares(site.approximated) })),
    ...item.assemblies.flatMap((assembly) =>
      assembly.groups.map((group) => ({
        parent: item.parent,
        name: `group ${group.name}${assembly.label ? ` of assembly ${assembly.label}` : ""}: ${group.sites.join(", ")}`,
        count: assembly.clusters * group.images,
        file: String(Number((group.occupancy / group.images).toFixed(4))),
        near: String(Number((group.approximated / group.images).toFixed(4))),
      })),
    ),
  ]);

const DISORDER = [
  { title: "Disordered crystal", text: true, cell: (row) => row.parent },
  { title: "Site or group", text: true, cell: (row) => row.name },
  { title: "In the primitive cell", cell: (row) => String(row.count) },
  { title: "Occupancies", text: true, cell: (row) => row.file },
  { title: "In the approximants", text: true, cell: (row) => row.near },
];

/** Opens one run on the page and moves the focus there; onError gets the failure of a later download. */
export async function drawRun(id, actions, onError) {
  const run = await call("GET", runPath(id));
  const report = runPath(id, "/report");
  const pressure = run.pressure_gpa === 0 && !run.series ? "" : ` at ${run.pressure_gpa} GPa`;
  byId("run-title").textContent = `${formula(run.formula)}${pressure}: ${run.structures.length} structures`;
  byId("run-links").replaceChildren(
    ...(run.series ? [element("button", { click: () => actions.showSeries(run.series) }, "All pressures")] : []),
    ...(run.has_report ? [element("a", { id: "run-report", href: report, target: "_blank", rel: "noopener" }, "Report with 3D view")] : []),
    element("a", { id: "run-zip", href: runPath(id, "/zip"), download: true }, "Zip"),
  );
  const notes = run.complete ? run.notes : ["This run was interrupted: the list contains the finished part.", ...run.notes];
  byId("run-notes").replaceChildren(...notes.map((note) => element("p", { class: "notice" }, note.replace(/\.?$/, "."))));
  table(byId("run-disorder-table"), DISORDER, disorderRows(run));
  byId("run-disorder").hidden = run.disorder.length === 0;
  table(byId("run-table"), structureColumns(run, onError), run.structures);
  byId("run-facts").textContent = `${run.id}, ${run.candidates} candidates, ${run.potential ?? "not relaxed"}, seed ${run.seed}`;
  byId("run").hidden = false;
  byId("run").dataset.run = id;
  byId("run").focus();
}

export function hideRun(id) {
  if (byId("run").dataset.run === id) byId("run").hidden = true;
}
