// What the pages of the review share: asking the server, and saying what came of it.
const secret = document.querySelector("meta[name=csrf]")?.content ?? "";

export class Refusal extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

async function answered(asking) {
  let response;
  try {
    response = await asking;
  } catch {
    throw new Refusal("The review does not answer. Was it ended in the terminal? What you typed is still here.", 0);
  }
  let value = {};
  try {
    value = await response.json();
  } catch {
    // an answer that is no JSON is told by its status
  }
  if (!response.ok) throw new Refusal(value.error ?? `The review answered ${response.status}.`, response.status);
  return value;
}

export function post(address, value = {}) {
  return answered(fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Imgaudit-Csrf": secret },
    body: JSON.stringify(value),
    redirect: "error",
  }));
}

export const get = (address) => answered(fetch(address, { redirect: "error" }));

export async function whyMissing(address) {
  try {
    await get(address);
  } catch (refusal) {
    return refusal.message;
  }
  return "The picture cannot be shown.";
}
