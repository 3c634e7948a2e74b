// Talks to the server; every refusal becomes an Error whose message is the server's sentence.

export class TokenNeeded extends Error {}

export async function call(method, path, body) {
  return (await request(method, path, body)).content;
}

/** A list that comes in parts: the items of one part, and the number of all. */
export async function callPart(path) {
  const { content, answer } = await request("GET", path);
  return { items: content, total: Number(answer.headers.get("X-Total-Count")) };
}

async function request(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The server does not answer; jobs go on when it is back.");
  }
  if (answer.status === 401) throw new TokenNeeded("Give the server's token.");
  if (answer.status === 204) return { content: null, answer };
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.detail ?? `The server answered ${answer.status}.`);
  return { content, answer };
}

export const runPath = (id, rest = "") => `/api/runs/${encodeURIComponent(id)}${rest}`;
export const jobPath = (id, rest = "") => `/api/jobs/${encodeURIComponent(id)}${rest}`;
