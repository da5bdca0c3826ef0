// One picture in the list: its thumbnail, how far it is, and then its text or what is wrong with it.

import { nameOf, percent } from "./words.js";

// Below this a character is shown as doubtful.
const SURE = 0.9;
// Below this an alternative is noise.
const WORTH_SHOWING = 0.01;

const STATES = {
  waiting: "Waiting",
  uploading: "Uploading",
  reading: "Reading",
  busy: "Waiting: the service is busy, next try in {wait} s",
  limited: "Waiting: the API key is used more often than it may be, next try in {wait} s",
};

/** An element with properties and children; a string is text, never markup. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export class Card {
  #body = element("div", { className: "outcome" });
  #url;

  /**
   * `file` is the picture; one of an earlier time is only `shown`, by its address, or not there at all.
   * `onCopy(text, button)`, `onRetry(card)` and `onRemove(card)` are called on those buttons.
   */
  constructor({ file = null, shown = null, job = null, name }, { onCopy, onRetry, onRemove }) {
    this.file = file;
    this.name = name;
    this.job = job;
    this.text = null;
    this.retryable = false;
    this.needsKey = false;
    this.aborter = new AbortController();
    this.onCopy = onCopy;
    this.onRetry = onRetry;
    this.#url = file ? URL.createObjectURL(file) : shown;
    this.removeButton = element("button", { type: "button", className: "remove", title: "Remove" }, "×");
    this.removeButton.setAttribute("aria-label", `Remove ${name}`);
    this.removeButton.addEventListener("click", () => onRemove(this));
    // Where the focus goes when a button that had it is gone, so that one key more presses nothing.
    this.heading = element("h3", { className: "name", title: name, tabIndex: -1 }, name);
    this.element = element(
      "li",
      { className: "card" },
      this.#picture(),
      element("div", { className: "details" }, this.heading, this.#body),
      this.removeButton,
    );
    this.show("waiting");
  }

  #picture() {
    const frame = element("div", { className: "picture" });
    if (!this.#url) {
      frame.classList.add("blank");
      frame.append("No picture here");
      return frame;
    }
    const image = element("img", { src: this.#url, alt: `The picture ${this.name}` });
    this.image = image;
    image.addEventListener("load", () => {
      // Enlarged in clear pixels; a photograph made smaller looks better smoothed.
      image.classList.toggle("enlarged", image.naturalWidth <= 400);
    });
    image.addEventListener("error", () => {
      frame.classList.add("blank");
      frame.replaceChildren("No preview");
    });
    frame.append(image);
    return frame;
  }

  get state() {
    return this.element.dataset.state;
  }

  /** How far it is: "waiting", "uploading", "reading", or "busy" or "limited" with the seconds until the next try. */
  show(state, wait) {
    this.retryable = false;
    this.needsKey = false;
    this.element.dataset.state = state;
    this.element.setAttribute("aria-busy", "true");
    const words = STATES[state].replace("{wait}", wait);
    this.#body.replaceChildren(element("p", { className: "state" }, words));
  }

  showResult(result) {
    this.text = result.text;
    this.#end("done");
    if (result.text === "") {
      this.#body.replaceChildren(element("p", { className: "sureness" }, "No text found in this picture"), ...this.#link());
      return;
    }
    const characters = result.characters?.length
      ? result.characters
      : Array.from(result.text, (character) => ({ character, confidence: 1 }));
    const spans = characters.map(({ character, confidence }) => {
      if (confidence >= SURE) return element("span", {}, character);
      return element("span", { className: "doubtful", title: `${percent(confidence)} sure` }, character);
    });
    const copy = element("button", { type: "button", className: "copy" }, "Copy");
    copy.setAttribute("aria-label", `Copy the text of ${this.name}`);
    copy.addEventListener("click", () => this.onCopy(result.text, copy));
    const sureness = element("p", { className: "sureness" }, `${percent(result.confidence)} sure`);
    sureness.classList.toggle("low", result.confidence < SURE);
    this.#body.replaceChildren(
      element("div", { className: "reading" }, element("p", { className: "text", translate: false }, ...spans), copy),
      sureness,
      ...doubts(characters),
      ...alternatives(result.alternatives ?? []),
      ...this.#link(),
    );
  }

  /** For whoever is to see the same result, or to see it later. */
  #link() {
    if (!this.job) return [];
    const link = element("a", { href: `/#job=${this.job}`, title: "The service keeps results for a time" }, "Link to this result");
    link.setAttribute("aria-label", `Link to this result: ${this.name}`);
    return [element("p", { className: "link" }, link)];
  }

  showError(error) {
    this.#end("error");
    this.#body.replaceChildren(element("p", { className: "error" }, error.message));
    this.retryable = error.retryable;
    this.needsKey = error.needsKey === true;
    if (!error.retryable) return;
    const retry = element("button", { type: "button", className: "retry" }, "Retry");
    retry.setAttribute("aria-label", `Retry ${this.name}`);
    retry.addEventListener("click", () => this.onRetry(this));
    this.#body.append(retry);
  }

  #end(state) {
    this.element.dataset.state = state;
    this.element.removeAttribute("aria-busy");
  }

  /** Stops what is under way and lets go of the picture. */
  remove() {
    this.aborter.abort();
    if (this.file) URL.revokeObjectURL(this.#url);
    this.element.remove();
  }
}

/** The doubtful characters in words, for whoever cannot point at them. */
function doubts(characters) {
  const doubtful = characters
    .map(({ character, confidence }, index) => ({ character, confidence, place: index + 1 }))
    .filter(({ confidence }) => confidence < SURE);
  if (doubtful.length === 0) return [];
  const words = doubtful.map(
    ({ character, confidence, place }) => `${nameOf(character)} in place ${place} (${percent(confidence)})`,
  );
  return [element("p", { className: "doubts" }, `Less sure of ${words.join(", ")}`)];
}

function alternatives(list) {
  const likely = list.filter(({ confidence }) => confidence >= WORTH_SHOWING);
  if (likely.length === 0) return [];
  const items = likely.map(({ text, confidence }) =>
    element("li", {}, element("code", { translate: false }, text), ` ${percent(confidence)}`));
  return [
    element("div", { className: "alternatives" }, element("p", {}, "It could also be"), element("ul", {}, ...items)),
  ];
}
