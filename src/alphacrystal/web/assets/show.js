// Elements and words; text from the server only ever becomes text, never markup.

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";
const subscript = (digits) => [...digits].map((digit) => SUBSCRIPTS[digit]).join("");

export const formula = (text) => text.replace(/(?<=[A-Za-z)\]])\d+/g, subscript);
export const symbol = (text) => text.replace(/_(\d)/g, (_, digit) => subscript(digit));
export const number = (value, decimals) => (value === null ? "" : value.toFixed(decimals));
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

export function table(target, headings, rows) {
  const cell = ([title, text]) => element("th", { scope: "col", class: text ? "text" : null }, title);
  const head = element("thead", {}, element("tr", {}, ...headings.map(cell)));
  target.replaceChildren(head, element("tbody", {}, ...rows));
}
