// The page: reads a few pictures at a time and keeps the list.

import { Card } from "./card.js";
import { ReadError, read, recorded } from "./client.js";
import { forget as forgetReading, forgetAll, recall, remember } from "./history.js";
import { listen } from "./intake.js";
import { askForKey, listenForKey } from "./key.js";
import { say, showMessage } from "./speech.js";
import { MOST_BYTES, nameOf, size } from "./words.js";

const MOST_AT_ONCE = 4;

const $ = (id) => document.getElementById(id);

// What is in the list, from top to bottom, and which of it waits for its turn.
let cards = [];
const queue = [];
let running = 0;
// What ended since the page last said how things went.
let ended = [];

const actions = { onCopy: copy, onRetry: start, onRemove: remove };

function add(files, nameOf) {
  const added = files.map((file) => new Card({ file, name: nameOf(file) }, actions));
  if (added.length === 0) return;
  place(added);
  added.forEach(start);
}

function place(added) {
  // The latest on top, in the order in which they were handed over.
  cards = [...added, ...cards];
  $("cards").prepend(...added.map((card) => card.element));
}

/** What was read before a reload. */
function restore() {
  const restored = recall().map(({ name, job, result, picture }) => {
    const card = new Card({ name, job, shown: picture }, actions);
    card.showResult(result);
    return card;
  });
  place(restored);
  tally();
}

/** The result that the address names. One that is in the list already is shown there. */
function follow() {
  const [, job] = /^#job=([\w-]+)$/.exec(location.hash) ?? [];
  if (!job) return;
  let card = cards.find((each) => each.job === job);
  if (!card) {
    card = new Card({ name: `Result ${job}`, job }, actions);
    place([card]);
    start(card);
  }
  card.element.scrollIntoView({ block: "nearest" });
  card.heading.focus();
}

function start(card) {
  const focused = card.element.contains(document.activeElement);
  card.show("waiting");
  // The button that was pressed is gone now.
  if (focused) card.heading.focus();
  queue.push(card);
  work();
}

function work() {
  while (running < MOST_AT_ONCE && queue.length > 0) {
    const card = queue.shift();
    running += 1;
    process(card).finally(() => {
      running -= 1;
      ended.push(card);
      work();
      if (running === 0) sayOutcome();
    });
  }
  tally();
}

async function process(card) {
  try {
    const onState = (state, wait) => card.show(state, wait);
    const watch = { signal: card.aborter.signal, onState };
    const { id, result } = card.file ? await read(card.file, watch) : await recorded(card.job, watch);
    card.job = id;
    card.showResult(result);
    // Its turn is over: the next picture does not wait until this one is drawn, which in a tab out of sight may never be.
    remember({ name: card.name, job: id, result }, card.image, () => cards.map(({ job }) => job)).catch(console.error);
  } catch (error) {
    if (card.aborter.signal.aborted) return;
    if (error instanceof ReadError) {
      card.showError(error);
      if (error.needsKey) askForKey(error.message);
      return;
    }
    console.error(error);
    card.showError(new ReadError("Something went wrong in this page.", { retryable: true }));
  }
}

/** Once nothing is under way: one picture's outcome in full, many as a count. */
function sayOutcome() {
  const remaining = ended.filter((card) => cards.includes(card));
  ended = [];
  if (remaining.length === 0) return;
  if (remaining.length > 1) return say($("tally").textContent);
  const [{ state, text, element }] = remaining;
  if (state === "error") return say(element.querySelector(".error").textContent);
  say(text ? `Read: ${Array.from(text, nameOf).join(", ")}` : "No text found in this picture");
}

function tally() {
  const done = cards.filter((card) => card.state === "done").length;
  const failed = cards.filter((card) => card.state === "error").length;
  const parts = [`${done} of ${cards.length} read`];
  if (failed > 0) parts.push(failed === 1 ? "1 with an error" : `${failed} with errors`);
  $("tally").textContent = parts.join(", ");
  const under = cards.length - done - failed;
  $("progress").hidden = cards.length < 2 || under === 0;
  $("progress").max = cards.length;
  $("progress").value = done + failed;
  $("results").hidden = cards.length === 0;
  $("copy-all").hidden = cards.filter((card) => card.text).length < 2;
  $("retry-all").hidden = cards.filter((card) => card.retryable).length < 2;
}

function remove(card) {
  const place = cards.indexOf(card);
  cards.splice(place, 1);
  forget(card);
  if (card.job) forgetReading(card.job);
  tally();
  say(`Removed ${card.name}`);
  (cards[Math.min(place, cards.length - 1)]?.removeButton ?? $("picker")).focus();
}

function clear() {
  cards.forEach(forget);
  cards = [];
  forgetAll();
  tally();
  say("All pictures removed");
  $("picker").focus();
}

function forget(card) {
  const place = queue.indexOf(card);
  if (place >= 0) queue.splice(place, 1);
  card.remove();
}

const restores = new WeakMap();
async function copy(text, button) {
  const copied = await toClipboard(text);
  if (!copied) return showMessage("Copying is not allowed here. Select the text and copy it by hand.");
  say("Copied");
  const { words, timer } = restores.get(button) ?? { words: button.textContent };
  clearTimeout(timer);
  button.textContent = "Copied";
  restores.set(button, {
    words,
    timer: setTimeout(() => {
      button.textContent = words;
      restores.delete(button);
    }, 2000),
  });
}

async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without HTTPS, browsers offer the clipboard on this machine's own addresses only; the old way works everywhere.
    const focused = document.activeElement;
    const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen", readOnly: true });
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return copied;
  }
}

$("size-limit").textContent = size(MOST_BYTES);
$("clear").addEventListener("click", clear);
$("copy-all").addEventListener("click", () => {
  copy(cards.map((card) => card.text).filter(Boolean).join("\n"), $("copy-all"));
});

$("retry-all").addEventListener("click", () => {
  cards.filter((card) => card.retryable).forEach(start);
  // The button is gone now.
  $("results-heading").focus();
});
listen(add);
listenForKey(() => cards.filter((card) => card.needsKey).forEach(start));
restore();
follow();
addEventListener("hashchange", follow);
