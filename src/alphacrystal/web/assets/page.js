// The page: asks for the token where one is needed, then keeps jobs and runs up to date.

import { TokenNeeded, call, jobPath } from "./api.js";
import { offerRuns, setUpCompare } from "./compare.js";
import {
  drawExploration,
  drawExplorations,
  hideExploration,
  limitExplorations,
  refreshExploration,
  setUpContinue,
  setUpExplore,
  showMoreExplorations,
} from "./explore.js";
import { limitFiles, setUpForm } from "./form.js";
import { ACTIVE, drawJobs, isSeries, listJobs, newlyEnded, showMoreJobs } from "./jobs.js";
import { drawRun, drawRuns, hideRun, showMore } from "./runs.js";
import { drawSeries, hideSeries } from "./series.js";
import { byId, say } from "./show.js";

const BUSY = 700; // ms between two looks while a job is at work
const IDLE = 5000;

let jobs = [];
let timer = 0;
let opened = "";

/** Shows an error; true if the page as a whole cannot continue. */
function trouble(error) {
  if (error instanceof TokenNeeded) {
    askForToken();
    return true;
  }
  return false;
}

function warn(error) {
  if (trouble(error)) return;
  byId("trouble").textContent = error.message;
  byId("trouble").hidden = false;
}

const actions = {
  show: (id) => drawRun(id, actions, warn).catch(warn),
  showSeries: (id) => drawSeries(id, actions).catch(warn),
  showExploration: (id, pressure) => drawExploration(id, actions, pressure).catch(warn),
  open: (job) => {
    if (job.task === "exploration") return actions.showExploration(job.id);
    return isSeries(job) ? actions.showSeries(job.id) : actions.show(job.id);
  },
  act: async (method, path) => {
    await call(method, path).catch(warn);
    await look();
  },
  remove: async (id, name) => {
    if (!confirm(`Delete ${name} with all its files?`)) return;
    await call("DELETE", jobPath(id)).catch(warn);
    hideRun(id);
    hideSeries(id);
    hideExploration(id);
    say(`Deleted ${name}.`);
    await look(true);
  },
};

async function refreshRuns() {
  offerRuns(await drawRuns(actions));
  await drawExplorations(actions);
}

async function look(everything = false) {
  clearTimeout(timer);
  try {
    const found = await listJobs();
    const ended = newlyEnded(jobs, found);
    jobs = found;
    drawJobs(jobs, actions);
    if (ended.length || everything) {
      await refreshRuns();
      await showServer();
    }
    // The job started last opens by itself once it has its result.
    const finished = ended.find((job) => job.id === opened && job.has_result);
    if (finished) {
      opened = "";
      await actions.open(finished);
    }
    await refreshExploration(jobs, actions);
    showAnswers(jobs);
    byId("trouble").hidden = true;
  } catch (error) {
    warn(error);
    if (error instanceof TokenNeeded) return;
  }
  timer = setTimeout(look, jobs.some((job) => ACTIVE.includes(job.status)) ? BUSY : IDLE);
}

/** The answer below a form is about the job started last: it ends with the wait for it. */
function showAnswers(jobs) {
  const job = jobs.find((item) => item.id === opened);
  if (job?.status === "waiting") return;
  for (const id of ["new-said", "explore-said"]) {
    if (!byId(id).textContent.startsWith("Checking")) byId(id).textContent = "";
  }
}

async function showServer() {
  const server = await call("GET", "/api/server");
  const limits = server.limits;
  byId("server").textContent =
    `Version ${server.version}. ${limits.jobs === 1 ? "One job" : `${limits.jobs} jobs`} at a time, ` +
    `${Math.round(limits.seconds / 6) / 10} min each; the runs take ${Math.round(server.disk_used_mb)} of ${Math.round(limits.disk_mb)} MB.`;
  byId("formula").maxLength = limits.formula_length;
  byId("candidates").max = limits.candidates;
  byId("order_candidates").max = limits.candidates;
  limitFiles(limits.pattern_mb, limits.structures_mb);
  limitExplorations(limits);
}

function askForToken() {
  clearTimeout(timer);
  byId("inside").hidden = true;
  byId("leave").hidden = true;
  byId("entrance").hidden = false;
  byId("token").focus();
}

async function enter(token) {
  await call("POST", "/api/session", { token });
  byId("leave").hidden = false;
}

/** Id of the run that the address names, as links of a hull do. */
const linked = new URLSearchParams(location.hash.slice(1)).get("run");

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    history.replaceState(null, "", location.pathname);
    await enter(given).catch(warn);
  }
  try {
    await showServer();
  } catch (error) {
    return warn(error);
  }
  byId("entrance").hidden = true;
  byId("inside").hidden = false;
  byId("formula").focus({ preventScroll: true });
  await look(true);
  if (linked) await actions.show(linked);
}

byId("token-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("token-wrong").textContent = "";
  try {
    await enter(byId("token").value);
    byId("token").value = "";
    await begin();
  } catch (error) {
    byId("token-wrong").textContent = error.message;
  }
});
byId("leave").addEventListener("click", async () => {
  await call("DELETE", "/api/session").catch(warn);
  location.reload();
});
byId("more").addEventListener("click", () => {
  showMore();
  refreshRuns().catch(warn);
});
byId("more-jobs").addEventListener("click", () => {
  showMoreJobs();
  look();
});
byId("more-explorations").addEventListener("click", () => {
  showMoreExplorations();
  refreshRuns().catch(warn);
});
const started = (job) => {
  opened = job.id;
  look();
};
setUpForm(started, trouble);
setUpExplore(started, trouble);
setUpContinue(started, trouble);
setUpCompare(trouble);
begin();
