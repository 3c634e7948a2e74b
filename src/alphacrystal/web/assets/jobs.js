// The jobs that run, wait or did not end well.

import { callPart, jobPath } from "./api.js";
import { explorationWords, hullWords } from "./explore.js";
import { byId, duration, element, formula, say } from "./show.js";

export const ACTIVE = ["waiting", "running", "ending"];
const WORDS = { ending: "stopping", stopped: "stopped by a limit", damaged: "damaged state file" };

const PART = 50; // jobs of one answer
let wanted = PART;

/** The work of each stage in words. */
const DOING = {
  generate: "generating candidates",
  relax: "relaxing candidates",
  hull: "relaxing competing phases",
  pattern: "fitting the powder pattern",
  phonons: "computing phonons",
  modes: "following unstable modes",
  rerank: "energies of the second potential",
  phases: "enthalpies of the phases",
};

function stageRows(stage) {
  const counted = stage.total > 0; // 0 is an unknown number
  const value = counted ? stage.done : stage.ended ? 1 : null;
  const bar = element("progress", { "aria-label": stage.name, max: counted ? Math.max(stage.total, 1) : 1, value });
  const count = counted ? `${stage.done}/${stage.total}` : stage.ended ? "done" : stage.done ? String(stage.done) : "";
  return [element("span", {}, stage.name), bar, element("span", {}, count)];
}

const isExploration = (job) => job.task === "exploration";

/** The present work of a running job in words. */
function doing(job) {
  if (job.status !== "running") return "";
  if (job.stages.length === 0) return "starting: loading the networks";
  const stage = job.stages.find((item) => !item.ended && item.done !== item.total) ?? job.stages.at(-1);
  const name = stage.name.replace(/^.*GPa, /, "").replace(/ \(.*/, "");
  return DOING[name] ?? "";
}

/** Whether a job predicts a list for each of several pressures. */
export const isSeries = (job) => !isExploration(job) && Array.isArray(job.request?.pressure);

function facts(job) {
  const files = [job.request?.xrd_name, ...(job.request?.seed_names ?? []), job.request?.framework_name, job.request?.disordered_name, job.request?.parent_name];
  const pressures = Array.isArray(job.request?.pressure) ? `${job.request.pressure.join(", ")} GPa` : "";
  const spent = job.seconds > 0 ? duration(job.seconds) : "";
  const before = job.status === "waiting" ? (job.ahead ? `queued, ${job.ahead} before it` : "next in the queue") : "";
  return [...files, pressures, doing(job), spent, before].filter(Boolean).join(", ");
}

function card(job, actions) {
  const buttons = element("span", { class: "buttons" });
  const button = (name, act) =>
    buttons.append(element("button", { "data-key": `${job.id} ${name}`, "aria-label": `${name} ${job.formula || job.id}`, click: act }, name));
  if (job.status === "waiting" || job.status === "running") button(isExploration(job) ? "Stop" : "Cancel", () => actions.act("POST", jobPath(job.id, "/cancel")));
  if (!ACTIVE.includes(job.status)) {
    if (job.status !== "damaged") button("Resume", () => actions.act("POST", jobPath(job.id, "/resume")));
    button("Delete", () => actions.remove(job.id, job.formula || job.id));
  }
  if (job.has_result) button(isExploration(job) ? "Show hull" : "Show", () => actions.open(job));
  const head = element(
    "div",
    { class: "job-head" },
    element("strong", {}, formula(job.formula) || job.id),
    element("span", { class: `status ${job.status}` }, WORDS[job.status] ?? job.status),
    element("span", { class: "quiet facts" }, facts(job)),
    buttons,
  );
  return element(
    "article",
    { class: "job", "data-job": job.id, "aria-label": `Job ${job.formula || job.id}` },
    head,
    job.reason ? element("p", { class: "wrong" }, job.reason) : null,
    isExploration(job) && ACTIVE.includes(job.status) && job.stages.length ? element("p", { class: "words" }, explorationWords(job)) : null,
    isExploration(job) && job.stages.length ? element("p", { class: "words quiet" }, hullWords(job.exploration)) : null,
    job.stages.length && ACTIVE.includes(job.status) ? element("div", { class: "stages" }, ...job.stages.flatMap(stageRows)) : null,
  );
}

// A button must not be replaced between the press and the release of a click.
let pressed = false;
document.addEventListener("pointerdown", () => (pressed = true), true);
for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => (pressed = false), true);

let drawn = new Map();

/** Draws anew the jobs that have changed in more than their time; what has the focus keeps it. */
export function drawJobs(jobs, actions) {
  if (pressed) return;
  const shown = jobs.filter((job) => job.status !== "done");
  byId("jobs-section").hidden = shown.length === 0 && byId("more-jobs").hidden;
  const focused = document.activeElement?.dataset?.key;
  const cards = new Map();
  for (const job of shown) {
    const look = JSON.stringify({ ...job, seconds: 0, seconds_left: 0 });
    const old = drawn.get(job.id);
    if (old?.look === look) {
      old.card.querySelector(".facts").textContent = facts(job);
      const words = old.card.querySelector(".words:not(.quiet)");
      if (words) words.textContent = explorationWords(job);
      cards.set(job.id, old);
    } else {
      cards.set(job.id, { look, card: card(job, actions) });
    }
  }
  const same = drawn.size === cards.size && [...cards].every(([id, item]) => drawn.get(id) === item);
  drawn = cards;
  if (same) return;
  byId("jobs").replaceChildren(...[...cards.values()].map((item) => item.card));
  if (focused) [...document.querySelectorAll("[data-key]")].find((item) => item.dataset.key === focused)?.focus();
}

/** Says and returns the jobs that have come to an end since the last look. */
export function newlyEnded(before, jobs) {
  const was = new Map(before.map((job) => [job.id, job.status]));
  const ended = jobs.filter((job) => ACTIVE.includes(was.get(job.id)) && !ACTIVE.includes(job.status));
  for (const job of ended) say(`${job.formula}: ${WORDS[job.status] ?? job.status}. ${job.reason}`);
  return ended;
}

/** The active jobs, then those that ended last: as many parts as were requested. */
export async function listJobs() {
  const jobs = [];
  let total = 0;
  while (jobs.length < wanted) {
    const part = await callPart(`/api/jobs?first=${jobs.length}&count=${PART}`);
    total = part.total;
    jobs.push(...part.items);
    if (part.items.length < PART) break;
  }
  const left = total - jobs.length;
  byId("more-jobs").hidden = left <= 0;
  byId("more-jobs").textContent = `Show ${Math.min(left, PART)} earlier jobs`;
  return jobs;
}

export function showMoreJobs() {
  wanted += PART;
}
