// Speaks HTTP with the server: pictures go in, records of jobs come out, and everything else is a Trouble.

import { permission } from "./settings.js";
import { Trouble } from "./trouble.js";

// Seconds that the server may hold an answer. Chrome cuts a service worker's request off at 30.
const HOLD_SECONDS = 20;
const ANSWER_TIMEOUT_MS = 27_000;
// For how long a busy server is asked again, and the longest pause between: a worker that idles for 30 s is stopped.
const PATIENCE_MS = 60_000;
const LONGEST_PAUSE_SECONDS = 20;

const ENDED = new Set(["succeeded", "failed", "canceled", "expired"]);

export function hasEnded(record) {
  return ENDED.has(record.status);
}

/**
 * Submits a picture and gives its `record`, ended if that took little time, and the seconds to `pause` before it is asked
 * after. The same `key` again is the same job. `onBusy` is told the `seconds` until the next try and whether it is the key that is
 * `limited`, and nothing once they are over; `signal` ends it all.
 */
export function submit(settings, picture, key, { onBusy, signal } = {}) {
  const model = settings.model ? `?model=${encodeURIComponent(settings.model)}` : "";
  const headers = { "Content-Type": picture.type, "Idempotency-Key": key };
  return patiently(settings, `/v1/jobs${model}`, { method: "POST", headers, body: picture, signal }, onBusy);
}

/** The same for a job's record, held back by the server until the job ends or the time is over. */
export function follow(settings, job, { onBusy, signal } = {}) {
  return patiently(settings, `/v1/jobs/${job}`, { method: "GET", headers: {}, signal }, onBusy);
}

/** Tells the server what the picture of a job says. */
export async function correct(settings, job, text) {
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(settings, `/v1/jobs/${job}/feedback`, {
    method: "POST",
    headers,
    body: JSON.stringify({ text }),
  });
  if (!answer.ok) throw await refusal(settings, answer);
}

/** The models that the server has. */
export async function models(settings) {
  const answer = await ask(settings, "/v1/models", { method: "GET", headers: {} });
  if (!answer.ok) throw await refusal(settings, answer);
  const { models } = await json(settings, answer);
  if (!Array.isArray(models)) throw new Trouble("unexpected", { values: { server: settings.server }, settings: true });
  return models;
}

/** Waits, but no longer than until `signal` says that nobody waits for the end. */
export function pauseFor(seconds, signal) {
  return new Promise((over, broken) => {
    const stop = () => {
      clearTimeout(timer);
      broken(new Trouble("interrupted", { retryable: true }));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      over();
    }, seconds * 1000);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Asks until the server is not too busy to answer. */
async function patiently(settings, path, request, onBusy) {
  const held = { ...request, headers: { ...request.headers, Prefer: `wait=${HOLD_SECONDS}` } };
  const begun = Date.now();
  for (;;) {
    const asked = Date.now();
    const answer = await ask(settings, path, held);
    const pause = Math.max(1, Number.parseInt(answer.headers.get("Retry-After") ?? "", 10) || 1);
    if (answer.ok) {
      const record = await json(settings, answer);
      if (typeof record?.id !== "string") throw new Trouble("unexpected", { values: { server: settings.server }, settings: true });
      // An answer that was held back for its time is pause enough; not every server holds one back.
      const late = Date.now() - asked >= HOLD_SECONDS * 1000;
      return { record, pause: late ? 0 : Math.min(pause, LONGEST_PAUSE_SECONDS) };
    }
    const busy = answer.status === 429 || answer.status === 503;
    if (!busy || pause > LONGEST_PAUSE_SECONDS || Date.now() - begun > PATIENCE_MS) throw await refusal(settings, answer);
    onBusy?.({ seconds: pause, limited: answer.status === 429 });
    await pauseFor(pause, request.signal);
    onBusy?.(null);
  }
}

async function ask({ server, key }, path, request) {
  const headers = key ? { ...request.headers, Authorization: `Bearer ${key}` } : request.headers;
  let answer;
  try {
    answer = await fetch(server + path, {
      ...request,
      headers,
      // The picture goes to the server that was named, and to no other.
      redirect: "manual",
      // The server needs no cookies; and what it answers is of this moment.
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.any([AbortSignal.timeout(ANSWER_TIMEOUT_MS), ...(request.signal ? [request.signal] : [])]),
    });
  } catch {
    if (request.signal?.aborted) throw new Trouble("interrupted", { retryable: true });
    // Permissions can be taken away in the browser's own settings.
    const allowed = await chrome.permissions.contains(permission(server));
    if (!allowed) throw new Trouble("notAllowed", { settings: true, retryable: true });
    throw new Trouble("unreachable", { values: { server }, retryable: true, settings: true });
  }
  if (answer.type === "opaqueredirect") throw new Trouble("elsewhere", { values: { server }, settings: true });
  return answer;
}

async function json(settings, answer) {
  try {
    return await answer.json();
  } catch {
    throw new Trouble("unexpected", { values: { server: settings.server }, settings: true });
  }
}

// Why a picture is refused or not read, by the last part of a problem's type or the kind of a job's error.
const PICTURE_TROUBLES = {
  "image-too-small": "tooFew",
  "image-too-large": "tooMany",
  "body-too-large": "tooMany",
  "empty-image": "garbled",
  "unsupported-image": "garbled",
  "unsupported-media-type": "garbled",
  "image-truncated": "garbled",
  "image-damaged": "garbled",
};

/** What is wrong with a picture, in the extension's words where it has them for that `kind`; else `otherwise` with the detail. */
export function pictureTrouble(kind, detail, otherwise) {
  const own = Object.hasOwn(PICTURE_TROUBLES, kind) ? PICTURE_TROUBLES[kind] : undefined;
  if (own) return new Trouble(own, { retryable: own === "garbled" });
  return new Trouble(otherwise, { values: { detail }, retryable: otherwise === "unread" });
}

/** A refusal in the extension's words; the server's own only where the extension has none. */
async function refusal({ server, key }, answer) {
  // What is no problem document was sent by something else than the service.
  const problem = (await answer.json().catch(() => null)) ?? {};
  const name = String(problem.type ?? "").split("/").pop();
  const { status } = answer;
  if (status === 401) return new Trouble(key ? "unauthorized" : "keyless", { settings: true, retryable: true });
  if (status === 403) return new Trouble("forbidden", { settings: true, retryable: true });
  if (status === 421) return new Trouble("host", { settings: true });
  if (status === 429) {
    return new Trouble("limited", { values: { seconds: answer.headers.get("Retry-After") ?? "?" }, retryable: true });
  }
  if (status === 410 || name === "job-unknown") return new Trouble("expired", { retryable: true });
  if (status === 404 || status === 405) return new Trouble("unexpected", { values: { server }, settings: true });
  if (status === 503) return new Trouble("stillBusy", { retryable: true });
  if (status >= 500) return new Trouble("faulty", { retryable: true });
  if (name === "unknown-model") return new Trouble("model", { settings: true, retryable: true });
  return pictureTrouble(name, problem.detail ?? problem.title ?? String(status), "refused");
}
