// Two runs side by side.

import { computed } from "./api.js";
import { RANK, SPACE_GROUP, VOLUME, byId, element, energyOf, formula, number, table, time } from "./show.js";

const SIDES = ["left", "right"];
let chosen = { left: "", right: "" };

/** Names of runs in the lists: formula and time, and the id where two would be the same. */
function names(runs) {
  const plain = runs.map((run) => `${formula(run.formula)}${run.series ? `, ${run.pressure_gpa} GPa` : ""}, ${time(run.written)}`);
  return plain.map((name, at) => (plain.indexOf(name) === plain.lastIndexOf(name) ? name : `${name}, ${runs[at].id}`));
}

/** Offers the runs in both lists; a choice stays chosen, and the two are always different. */
export function offerRuns(runs) {
  const whole = runs.filter((run) => !run.problem);
  const texts = names(whole);
  const has = (id) => whole.some((run) => run.id === id);
  // Without a choice: the latest two runs of the same formula, else the latest two.
  const twice = whole.find((run) => whole.some((item) => item !== run && item.formula === run.formula));
  const left = has(chosen.left) ? chosen.left : ((twice ?? whole[0])?.id ?? "");
  const others = whole.filter((run) => run.id !== left);
  const same = others.find((run) => run.formula === whole.find((item) => item.id === left)?.formula);
  const right = has(chosen.right) && chosen.right !== left ? chosen.right : ((same ?? others[0])?.id ?? "");
  for (const side of SIDES) {
    byId(side).replaceChildren(...whole.map((run, at) => element("option", { value: run.id }, texts[at])));
    byId(side).disabled = others.length === 0;
  }
  choose(left, right);
  byId("compare").querySelector("button").disabled = others.length === 0;
  byId("compare-hint").textContent = others.length === 0 ? "A comparison needs two runs." : "";
}

function choose(left, right) {
  chosen = { left, right };
  for (const side of SIDES) byId(side).value = chosen[side];
}

/** A run that is chosen on both sides leaves the other side: the two change places. */
function change(side) {
  const other = SIDES.find((name) => name !== side);
  const before = chosen[side];
  chosen[side] = byId(side).value;
  if (chosen[side] === chosen[other]) chosen[other] = before;
  choose(chosen.left, chosen.right);
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
  for (const side of SIDES) byId(side).addEventListener("change", () => change(side));
  byId("compare").addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = byId("compare-wrong");
    const button = byId("compare").querySelector("button");
    wrong.textContent = "";
    button.disabled = true;
    byId("comparison").replaceChildren(element("p", { class: "quiet computing", role: "status" }, "Comparing the structures…"));
    const query = new URLSearchParams({ left: byId("left").value, right: byId("right").value });
    try {
      const answer = await computed(`/api/compare?${query}`, () => {});
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
