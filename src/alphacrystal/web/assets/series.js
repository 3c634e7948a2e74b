// A series of pressures: phases of lowest enthalpy, the plot, and the list at each pressure.

import { call, seriesPath, runPath } from "./api.js";
import { byId, element, energy, formula, number, spaceGroup, table } from "./show.js";

const gpa = (value) => String(Number(value.toFixed(2)));

const STABLE = [
  { title: "Pressure (GPa)", text: true, cell: (range) => `${gpa(range.begin_gpa)} to ${gpa(range.end_gpa)}` },
  { title: "Phase", cell: (range) => String(range.phase) },
  { title: "Space group", text: true, cell: spaceGroup },
  { title: "Cell", text: true, cell: (range) => formula(range.cell_formula) },
];

function buttons(list, actions) {
  const said = `list at ${gpa(list.pressure_gpa)} GPa`;
  return element(
    "span",
    { class: "buttons" },
    element("button", { "aria-label": `Show ${said}`, click: () => actions.show(list.run) }, "Show"),
    element("a", { href: runPath(list.run, "/report"), target: "_blank", rel: "noopener", "aria-label": `Report of ${said}, new tab` }, "Report"),
  );
}

const lists = (actions) => [
  { title: "List at (GPa)", text: true, cell: (list) => gpa(list.pressure_gpa) },
  { title: "Open", text: true, cell: (list) => buttons(list, actions) },
  { title: "Structures", cell: (list) => String(list.structures) },
  { title: "Best space group", text: true, cell: (list) => (list.best ? spaceGroup(list.best) : "") },
  { title: "Enthalpy (eV/atom)", cell: (list) => (list.best ? number(energy(list.best), 4) : "") },
];

/** Opens a series on the page and moves the focus there. */
export async function drawSeries(id, actions) {
  const series = await call("GET", seriesPath(id));
  byId("series-title").textContent = `${formula(series.formula)} at ${series.lists.length} pressures`;
  const links = [element("a", { id: "series-zip", href: seriesPath(id, "/zip"), download: true }, "Zip")];
  if (series.enthalpies.length) {
    links.unshift(element("a", { id: "series-report", href: seriesPath(id, "/report"), target: "_blank", rel: "noopener" }, "Report"));
  }
  if (series.removable) {
    const said = `${series.formula} at ${series.lists.length} pressures`;
    links.push(element("button", { "aria-label": `Delete ${said}`, click: () => actions.remove(id, said) }, "Delete"));
  }
  byId("series-links").replaceChildren(...links);
  const note = series.complete
    ? series.transitions.length === 0 && "No transition between these pressures."
    : "This series is not finished: it has the finished lists, without enthalpies of all phases and transitions.";
  byId("series-notes").replaceChildren(...(note ? [element("p", { class: "notice" }, note)] : []));
  table(byId("series-stable"), STABLE, series.stable);
  byId("series-stable").hidden = series.stable.length === 0;
  const drawn = series.enthalpies.length > 0;
  byId("series-figure").replaceChildren(
    ...(drawn ? [element("img", { src: seriesPath(id, "/figure"), alt: "Enthalpy per atom against pressure" })] : []),
  );
  table(byId("series-lists"), lists(actions), series.lists);
  byId("series-facts").textContent = id;
  byId("series").hidden = false;
  byId("series").dataset.series = id;
  byId("series").focus();
}

export function hideSeries(id) {
  if (byId("series").dataset.series === id) byId("series").hidden = true;
}
