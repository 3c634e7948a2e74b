// Talks to the server; every refusal becomes an Error whose message is the server's sentence.

export class TokenNeeded extends Error {}

const LOOK_MS = 500; // between two requests for a result that is being computed
const MAX_LOOKS = 240;

export async function call(method, path, body) {
  return (await request(method, path, body)).content;
}

/** A list that comes in parts: the items of one part, and the number of all. */
export async function callPart(path) {
  const { content, answer } = await request("GET", path);
  return { items: content, total: Number(answer.headers.get("X-Total-Count")) };
}

/** The answer of a request that the server may answer with 202 while it computes; onWait is called once then. */
export async function computed(path, onWait) {
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const answer = await send("GET", path);
    if (answer.status !== 202) return answer;
    if (look === 0) onWait();
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  throw new Error("The server is still computing: try again in a minute.");
}

async function request(method, path, body) {
  const answer = await send(method, path, body);
  return { content: answer.status === 204 ? null : await answer.json().catch(() => ({})), answer };
}

async function send(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; jobs continue when it is back.");
  }
  if (answer.status === 401) throw new TokenNeeded("Give the server's token.");
  if (!answer.ok) {
    const content = await answer.json().catch(() => ({}));
    throw new Error(content.detail ?? `The server answered ${answer.status}.`);
  }
  return answer;
}

export const runPath = (id, rest = "") => `/api/runs/${encodeURIComponent(id)}${rest}`;
export const jobPath = (id, rest = "") => `/api/jobs/${encodeURIComponent(id)}${rest}`;
export const explorationPath = (id, rest = "") => `/api/explorations/${encodeURIComponent(id)}${rest}`;
export const seriesPath = (id, rest = "") => `/api/series/${encodeURIComponent(id)}${rest}`;
