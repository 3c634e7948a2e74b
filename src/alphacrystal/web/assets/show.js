// Elements and words; text from the server only ever becomes text, never markup.

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (digits) => [...digits].map((digit) => SUBSCRIPTS[digit]).join("");

export const formula = (text) => text.replace(/(?<=[A-Za-z)\]])\d+/g, subscript);
export const symbol = (text) => text.replace(/_(\d)/g, (_, digit) => subscript(digit));
/** A number with decimals; a rounded negative zero has no sign. */
export const number = (value, decimals) => (value === null ? "" : (Number(value.toFixed(decimals)) + 0).toFixed(decimals));
export const percent = (share) => (share === null || share === undefined ? "" : (100 * share).toFixed(1));
export const time = (text) => new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** An element with attributes (functions become listeners) and children; null children are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** For a screen reader. */
export function say(sentence) {
  byId("said").textContent = sentence;
}

/**
 * Fills a table. A column has a title, a cell function that gives text or an element ("" where it has none), and
 * may be text (aligned left) or bad (a function that tells whether a cell is to be marked). The first column heads
 * the rows; a column without any value is left out.
 */
export function table(target, columns, items, attributes = () => ({})) {
  const filled = columns.map((column) => ({ ...column, cells: items.map(column.cell) })).filter((column) => column.cells.some((cell) => cell !== ""));
  const kind = (column, item) => [column.text && "text", item && column.bad?.(item) && "bad"].filter(Boolean).join(" ") || null;
  const head = element("tr", {}, ...filled.map((column) => element("th", { scope: "col", class: kind(column) }, column.title)));
  const rows = items.map((item, at) => {
    const cells = filled.map((column, place) =>
      place === 0 ? element("th", { scope: "row" }, column.cells[at]) : element("td", { class: kind(column, item) }, column.cells[at]),
    );
    return element("tr", attributes(item), ...cells);
  });
  target.replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
}

/** Columns that several tables show. */
export const spaceGroup = (row) => `${symbol(row.space_group_symbol)} (${row.space_group_number})`;
/** Of a phase of a hull, whose space group may be unknown. */
export const phaseGroup = (row) => (row.space_group_symbol ? spaceGroup(row) : row.space_group_number ? `no. ${row.space_group_number}` : "");
export const RANK = { title: "Rank", text: true, cell: (row) => String(row.rank) };
export const SPACE_GROUP = { title: "Space group", text: true, cell: spaceGroup };
/** In eV/atom: the enthalpy under pressure, else the energy. */
export const energy = (row) => row.enthalpy_per_atom_ev ?? row.energy_per_atom_ev;
export const energyOf = (rows) => ({
  title: rows.some((row) => row.enthalpy_per_atom_ev !== null) ? "Enthalpy (eV/atom)" : "Energy (eV/atom)",
  cell: (row) => number(energy(row), 4),
});
const values = (row, names, decimals) => (row.a === null ? "" : names.map((name) => row[name].toFixed(decimals)).join(", "));
const EDGES = ["a", "b", "c"];
const ANGLES = ["alpha", "beta", "gamma"];
function angles(row) {
  if (ANGLES.every((name) => row[name] === 90)) return "90";
  return values(row, ANGLES, 2).replaceAll(".00", "");
}
/** The conventional cell; equal edges and right angles are not repeated. */
export const LATTICE = [
  { title: "a, b, c (Å)", text: true, cell: (row) => values(row, row.a === row.b && row.b === row.c ? ["a"] : EDGES, 3) },
  { title: "α, β, γ (°)", text: true, cell: (row) => angles(row) },
];
export const DENSITY = { title: "Density (g/cm³)", cell: (row) => number(row.density_g_cm3, 2) };
export const VOLUME = { title: "Volume (Å³/atom)", cell: (row) => number(row.volume_per_atom_a3, 2) };
