// The readings that are under way. Each is kept in the session's storage, which is memory, until it is read or the page
// lets go of it: Chrome stops an idle service worker, and whoever is woken next goes on with what was begun.

import { capture } from "./capture.js";
import { copy } from "./clipboard.js";
import { follow, hasEnded, pauseFor, pictureTrouble, submit } from "./service.js";
import { load } from "./settings.js";
import { Trouble, troubleFrom } from "./trouble.js";

// Nobody comes back for a reading this old.
const FORGET_MS = 10 * 60_000;

const prefix = "reading ";
const running = new Map();
// Who is told how a reading goes: the page's port, which is another one after the worker was stopped.
const listeners = new Map();
// What ends a reading that is under way.
const aborters = new Map();

/** Reads an area of a tab. `tell` gets "captured", "busy", "read" or "trouble" with what belongs to it. */
export function read(id, tab, area, view, tell) {
  return once(id, tell, async () => {
    const picture = await capture(tab, area, view);
    tell({ kind: "captured", id });
    await put({ id, key: id, begun: Date.now(), picture: await toText(picture) });
    await finish(id, picture);
  });
}

/** Goes on with a reading, whether it is under way, was interrupted, or has failed and may go better now. */
export function resume(id, tell) {
  return once(id, tell, async () => {
    const reading = await get(id);
    // The worker was stopped before the picture was taken, or in the middle of it.
    if (!reading) throw new Trouble("interrupted");
    await finish(id, await (await fetch(reading.picture)).blob());
  });
}

/** Keeps nothing of a reading. One that is under way is sent and followed no further, and does not come to the clipboard. */
export async function forget(id) {
  listeners.delete(id);
  aborters.get(id)?.abort();
  if (!running.has(id)) await chrome.storage.session.remove(prefix + id);
}

/** Lets go of what closed pages left behind. */
export async function sweep() {
  const all = await chrome.storage.session.get(null);
  const old = Object.entries(all).filter(([name, { begun }]) => name.startsWith(prefix) && Date.now() - begun > FORGET_MS);
  await chrome.storage.session.remove(old.map(([name]) => name));
}

async function once(id, tell, work) {
  listeners.set(id, tell);
  if (running.has(id)) return;
  aborters.set(id, new AbortController());
  const under = work().catch((error) => {
    const { kind, values, retryable, settings } = troubleFrom(error);
    listeners.get(id)?.({ kind: "trouble", id, trouble: { kind, values, settings }, retryable });
  });
  running.set(id, under);
  await under;
  running.delete(id);
  aborters.delete(id);
  // Read, or let go of meanwhile.
  if (!listeners.has(id)) await forget(id);
}

async function finish(id, picture) {
  const settings = await load();
  const reading = await get(id);
  const { signal } = aborters.get(id);
  const watch = { onBusy: (pause) => listeners.get(id)?.({ kind: "busy", id, pause }), signal };
  // Let go of while the picture was taken: it goes nowhere.
  if (!listeners.has(id)) return;
  let failed = false;
  try {
    let { record, pause } = reading.job
      ? await follow(settings, reading.job, watch)
      : await submit(settings, picture, reading.key, watch);
    while (listeners.has(id) && !hasEnded(record)) {
      if (reading.job !== record.id) {
        reading.job = record.id;
        await put(reading);
      }
      await pauseFor(pause, signal);
      ({ record, pause } = await follow(settings, record.id, watch));
    }
    // The toast was closed or another captcha marked: the clipboard is for something else by now.
    if (!listeners.has(id)) return;
    failed = record.status !== "succeeded";
    if (failed) throw unread(record);
    if (record.result.text === "") throw new Trouble("nothing");
    const copied = settings.clipboard ? await copy(record.result.text) : null;
    listeners.get(id)?.({ kind: "read", id, job: record.id, result: record.result, copied });
    // Nothing more is told of it, and nobody needs the picture.
    listeners.delete(id);
  } catch (error) {
    // The job is over, so the next try is to be another one.
    if (failed || error.kind === "expired") {
      await put({ ...reading, job: undefined, key: crypto.randomUUID() });
    }
    throw error;
  }
}

function unread({ status, error }) {
  if (status === "expired" || status === "canceled") return new Trouble("expired", { retryable: true });
  return pictureTrouble(error?.kind, error?.detail ?? "", "unread");
}

async function get(id) {
  return (await chrome.storage.session.get(prefix + id))[prefix + id];
}

function put(reading) {
  return chrome.storage.session.set({ [prefix + reading.id]: reading });
}

/** A picture as a data: URL, since storage holds no bytes. */
async function toText(picture) {
  const bytes = new Uint8Array(await picture.arrayBuffer());
  let binary = "";
  // In parts: as arguments of one call, a large picture's bytes are too many.
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return `data:${picture.type};base64,${btoa(binary)}`;
}
