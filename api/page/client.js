// Speaks HTTP with the service: a picture goes in, the finished job's result comes out, or an error in plain words.

import { authorization, hasKey } from "./key.js";
import { MOST_BYTES, refusal, refusedKey } from "./words.js";

// Seconds that the service may hold an answer until the job has ended, and how long after the last of a picture went
// out an answer counts as lost.
const HOLD_SECONDS = 20;
const ANSWER_TIMEOUT_MS = 60_000;
// How often a busy service is asked again before a person has to decide.
const MOST_BUSY_ANSWERS = 30;

const TERMINAL = new Set(["succeeded", "failed", "canceled", "expired"]);

// Each picture's Idempotency-Key: sent again since an answer was lost, it is the same job.
const keys = new WeakMap();

/**
 * Why a picture was not read, in plain words; `retryable` where another try may end differently, `needsKey` with another
 * key, `over` with another job.
 */
export class ReadError extends Error {
  constructor(message, { retryable = false, needsKey = false, over = false } = {}) {
    super(message);
    this.retryable = retryable;
    this.needsKey = needsKey;
    this.over = over;
  }
}

/**
 * Submits a picture and waits for its end. `onState` is told "uploading", "waiting" or "reading", and "busy" or,
 * where it is the key that is used too often, "limited", with the seconds until the next try. Gives the ended job's record; throws a
 * ReadError, or an AbortError once `signal` aborts.
 */
export async function read(file, { signal, onState }) {
  if (file.size > MOST_BYTES) throw new ReadError(refusal("body-too-large"));
  let body;
  try {
    body = await file.arrayBuffer();
  } catch {
    throw new ReadError("This file cannot be opened. If it is a folder, add the pictures inside it.", {
      retryable: true,
    });
  }
  if (body.byteLength === 0) throw new ReadError(refusal("empty-image"));

  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  if (!keys.has(file)) keys.set(file, freshKey());
  try {
    const answer = await patiently({ method: "POST", url: "/v1/jobs", type, key: keys.get(file), body, signal, onState });
    return await ended(answer, { signal, onState });
  } catch (error) {
    if (error.over) keys.delete(file);
    throw error;
  }
}

/** The same for a picture that was submitted before: the record of an ended job by its id. */
export async function recorded(job, { signal, onState }) {
  try {
    const answer = await patiently({ method: "GET", url: `/v1/jobs/${encodeURIComponent(job)}`, signal, onState });
    return await ended(answer, { signal, onState });
  } catch (error) {
    // Another job takes the picture, which is not here.
    throw error.over ? new ReadError(error.message) : error;
  }
}

async function ended(first, { signal, onState }) {
  let answer = first;
  const location = answer.header("Location");
  let record = parse(answer);
  while (!TERMINAL.has(record.status)) {
    onState(record.status === "processing" ? "reading" : "waiting");
    await pause(seconds(answer), signal);
    answer = await patiently({ method: "GET", url: location ?? `/v1/jobs/${record.id}`, signal, onState });
    record = parse(answer);
  }
  if (record.status === "succeeded" && record.result) return record;
  throw endedWithoutText(record);
}

/** Sends until the service is not too busy to answer; a 2xx answer is returned, any other is thrown in words. */
async function patiently(request) {
  for (let tries = 1; ; tries += 1) {
    if (request.body) request.onState("uploading");
    const answer = await send(request);
    if (answer.status >= 200 && answer.status < 300) return answer;
    const busy = answer.status === 503 || answer.status === 429;
    if (!busy || tries >= MOST_BUSY_ANSWERS) throw refused(answer);
    const wait = seconds(answer);
    request.onState(answer.status === 429 ? "limited" : "busy", wait);
    await pause(wait, request.signal);
  }
}

/** One request. XMLHttpRequest, because it tells when the upload is over and `fetch` does not. */
function send({ method, url, type, key, body, signal, onState }) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted());
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const unreachable = () =>
      reject(new ReadError("The service cannot be reached. It may have stopped, or the network may be down.", {
        retryable: true,
      }));
    const begun = performance.now();
    // Counted from the request's start by the browser, and from the last progress here: a slow upload takes its time.
    const wait = () => (request.timeout = performance.now() - begun + ANSWER_TIMEOUT_MS);
    if (body) {
      request.upload.addEventListener("progress", wait);
      request.upload.addEventListener("load", () => onState("reading"));
    }
    request.addEventListener("load", () =>
      resolve({
        status: request.status,
        text: request.responseText,
        header: (name) => request.getResponseHeader(name),
      }));
    request.addEventListener("error", unreachable);
    request.addEventListener("timeout", unreachable);
    request.addEventListener("abort", () => reject(aborted()));
    request.addEventListener("loadend", () => signal.removeEventListener("abort", abort));
    signal.addEventListener("abort", abort);
    request.open(method, url);
    wait();
    request.setRequestHeader("Prefer", `wait=${HOLD_SECONDS}`);
    if (type) request.setRequestHeader("Content-Type", type);
    if (key) request.setRequestHeader("Idempotency-Key", key);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.send(body);
  });
}

function parse(answer) {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new ReadError("The service gave an answer that makes no sense.", { retryable: true });
  }
}

function refused(answer) {
  let problem = {};
  try {
    problem = JSON.parse(answer.text) ?? {};
  } catch {
    // Something between here and the service answered, not the service.
  }
  const kind = String(problem.type ?? "").split("/").pop();
  if (answer.status === 404 || answer.status === 410) {
    return new ReadError("The result is no longer kept. Read the picture again.", { retryable: true, over: true });
  }
  // What is not about the key, such as a page from elsewhere, is refused with 403, too.
  if (answer.status === 401 || kind === "forbidden") {
    return new ReadError(refusedKey(answer.status, hasKey()), { retryable: true, needsKey: true });
  }
  if (answer.status === 408) {
    return new ReadError("The picture took too long to arrive. The network may be slow.", { retryable: true });
  }
  if (answer.status === 429) {
    return new ReadError("The API key has been used more often than it may be for some time.", { retryable: true });
  }
  if (answer.status === 503) {
    return new ReadError("The service has been too busy for some time.", { retryable: true });
  }
  if (answer.status === 413) return new ReadError(refusal("body-too-large"));
  if (answer.status >= 500) {
    return new ReadError("Something went wrong in the service. Its log says more.", { retryable: true });
  }
  const words = refusal(kind) ?? problem.detail ?? problem.title;
  return new ReadError(words ?? `The service refused the picture (${answer.status}).`, { retryable: !words });
}

function endedWithoutText({ status, error }) {
  const again = { retryable: true, over: true };
  if (status === "canceled") return new ReadError("Reading was canceled.", again);
  if (status === "expired") return new ReadError("The picture waited too long for its turn.", again);
  const words = refusal(error?.kind);
  if (words) return new ReadError(words);
  const detail = error?.detail ? ` ${error.detail}` : "";
  return new ReadError(`The picture could not be read.${detail}`, again);
}

/** Random, since `crypto.randomUUID` is not there on plain HTTP. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");
}

/** The answer's Retry-After, kept between one second and a minute. */
function seconds(answer) {
  const given = Number.parseInt(answer.header("Retry-After") ?? "", 10);
  return Number.isNaN(given) ? 1 : Math.min(Math.max(given, 1), 60);
}

function pause(length, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted());
    const abort = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, length * 1000);
    signal.addEventListener("abort", abort, { once: true });
  });
}

function aborted() {
  return new DOMException("The picture was removed.", "AbortError");
}
