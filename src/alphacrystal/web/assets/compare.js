// Two runs side by side.

import { computed } from "./api.js";
import { RANK, SPACE_GROUP, VOLUME, byId, element, energyOf, formula, number, table, time } from "./show.js";

/** Offers the runs in both lists; what was chosen stays chosen. */
export function offerRuns(runs) {
  const whole = runs.filter((run) => !run.problem);
  for (const [place, id] of ["left", "right"].entries()) {
    const select = byId(id);
    const before = select.value;
    const options = whole.map((run) => element("option", { value: run.id }, `${formula(run.formula)}${run.series ? `, ${run.pressure_gpa} GPa` : ""}, ${time(run.written)}`));
    select.replaceChildren(...options);
    if (whole.some((run) => run.id === before)) select.value = before;
    else if (options[place]) select.selectedIndex = place;
  }
  byId("compare").querySelector("button").disabled = whole.length === 0;
}

function list(side, run, other, equalOf) {
  const target = element("table", { "aria-label": `${side} list` });
  const same = (row) => equalOf(row.rank).map((match) => `${match.rank} (${number(match.rms, 3)})`).join(", ");
  const columns = [RANK, SPACE_GROUP, VOLUME, energyOf(run.structures), { title: `Same as ${other} rank (rms)`, text: true, cell: same }];
  table(target, columns, run.structures, (row) => ({ class: same(row) ? "same" : null }));
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${side} list` }, target);
  return element("div", {}, element("h3", {}, `${side}: ${formula(run.formula)}`), element("p", { class: "quiet" }, run.id), scroll);
}

function remark(found) {
  if (found.left.formula !== found.right.formula) return "Two formulas: no crystal of one can be that of the other.";
  const undecided = found.undecided ? ` ${found.undecided} pairs were not decided in time.` : "";
  return `${found.matches.length} pairs are the same crystal (StructureMatcher 0.2, 0.3, 5°; the first ${found.compared} of each list; rms in units of the cube root of the volume per atom).${undecided}`;
}

export function setUpCompare(onTrouble) {
  byId("compare").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = byId("compare-wrong");
    const button = byId("compare").querySelector("button");
    wrong.textContent = "";
    button.disabled = true;
    const query = new URLSearchParams({ left: byId("left").value, right: byId("right").value });
    try {
      const answer = await computed(`/api/compare?${query}`, () =>
        byId("comparison").replaceChildren(element("p", { class: "quiet computing", role: "status" }, "Comparing the structures…")),
      );
      const found = await answer.json();
      const ofLeft = (rank) => found.matches.filter((m) => m.left === rank).map((m) => ({ rank: m.right, rms: m.rms }));
      const ofRight = (rank) => found.matches.filter((m) => m.right === rank).map((m) => ({ rank: m.left, rms: m.rms }));
      byId("comparison").replaceChildren(
        element("p", { class: "quiet", role: "status" }, remark(found)),
        element("div", { class: "beside" }, list("Left", found.left, "right", ofLeft), list("Right", found.right, "left", ofRight)),
      );
    } catch (error) {
      byId("comparison").replaceChildren();
      if (!onTrouble(error)) wrong.textContent = error.message;
    } finally {
      button.disabled = false;
    }
  });
}
