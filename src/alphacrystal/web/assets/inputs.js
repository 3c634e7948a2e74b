// Values of form fields that several forms have: pressures, files, and the answer to a new job.

/** One pressure, or a list of several; a word that is no number stays text, which the server refuses with a sentence. */
export function pressures(text) {
  const words = text.split(/[,;\s]+/).filter(Boolean);
  const values = words.map((word) => (Number.isFinite(Number(word)) ? Number(word) : word));
  return values.length > 1 ? values : (values[0] ?? 0);
}

export const chosenFiles = (input) => [...input.files];

/** Names and contents (base64) of the files of a field; refuses files that are together larger than the limit. */
export async function uploads(input, limitMb, noun) {
  const files = chosenFiles(input);
  if (files.reduce((sum, file) => sum + file.size, 0) > limitMb * 1e6) {
    const names = files.map((file) => file.name).join(", ");
    const verb = files.length > 1 ? "are together" : "is";
    throw new Error(`${names} ${verb} larger than ${limitMb} MB, the limit of this server for ${noun}: give ${files.length > 1 ? "smaller ones" : "a smaller one"}.`);
  }
  return Promise.all(files.map(async (file) => ({ name: file.name, content: await base64(file) })));
}

async function base64(file) {
  const address = await new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(reader.result));
    reader.addEventListener("error", () => fail(new Error(`${file.name} cannot be read: choose it again.`)));
    reader.readAsDataURL(file);
  });
  return address.slice(address.indexOf(",") + 1);
}

/** The first answer to a new job, e.g. "NaCl is queued, 2 before it." */
export function queued(job, name) {
  if (job.status !== "waiting") return `${name} has started.`;
  return job.ahead ? `${name} is queued, ${job.ahead} before it.` : `${name} is the next in the queue.`;
}
