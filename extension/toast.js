// The toast: how the reading goes, then its text and what can be done with it, or what is wrong.

{
  const { element, button, say } = byecaptcha;

  // Below this a character is shown as doubtful, as on the service's own page.
  const SURE = 0.9;
  // Gone by itself after this, unless the pointer or the focus is in it.
  const STAY_MS = 30_000;

  const percent = (confidence) => {
    const value = Math.floor(confidence * 100 + 1e-9);
    return value < 1 ? "<1%" : `${value}%`;
  };

  byecaptcha.Toast = class {
    #words;
    #actions;
    #field;
    #mount;
    #pane;
    #timer;
    // Whether the text that is shown came to the clipboard.
    #copied = false;
    #body = element("div", {});
    #state = element("p", { className: "state", role: "status" });
    #buttons = element("div", { className: "buttons" });

    /** `actions`: copy(text), again(), retry(), correct(text), settings(), close(). */
    constructor({ words, field, actions }) {
      this.#words = words;
      this.#actions = actions;
      this.#field = field;
      const close = button("×", () => this.#leave(), "close");
      close.setAttribute("aria-label", words.close);
      close.title = words.close;
      this.#pane = element(
        "section",
        { className: "toast", "aria-label": words.toast },
        element("div", { className: "top" }, mark(), element("h2", { className: "name" }, words.toast), close),
        this.#body,
        this.#state,
        this.#buttons,
      );
      const pane = this.#pane;
      // Before the focus came in here.
      pane.addEventListener("focusin", ({ relatedTarget }) => pane.contains(relatedTarget) || field.keepFocus(relatedTarget));
      pane.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        // The page's dialog around it stays open.
        event.preventDefault();
        this.#leave();
      });
      for (const kind of ["pointerover", "focusin"]) pane.addEventListener(kind, () => clearTimeout(this.#timer));
      for (const kind of ["pointerout", "focusout"]) pane.addEventListener(kind, () => this.#stay());
      this.#mount = new byecaptcha.Mount(pane, words.lang);
      this.showReading();
    }

    showReading() {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#body.replaceChildren(element("p", { className: "reading" }, this.#words.reading));
      this.#say("");
      this.#put();
    }

    /** For how many `seconds` it waits, and whether that is for the key's sake, which is `limited`. */
    showBusy({ seconds, limited }) {
      const words = say(limited ? this.#words.limitedNow : this.#words.busy, { seconds });
      this.#body.replaceChildren(element("p", { className: "reading", role: "status" }, words));
    }

    showRead({ text, confidence, characters }, copied) {
      const words = this.#words;
      const spans = characters.map(({ character, confidence }) => {
        if (confidence >= SURE) return element("span", {}, character);
        const title = say(words.doubtTitle, { percent: percent(confidence) });
        return element("span", { className: "doubtful", title }, character);
      });
      const doubtful = characters.map((each, index) => ({ ...each, place: index + 1 })).filter((each) => each.confidence < SURE);
      const doubts = doubtful.map((each) =>
        say(words.doubt, { character: this.#name(each.character), place: each.place, percent: percent(each.confidence) }));
      this.#body.replaceChildren(
        element("p", { className: "text", translate: false, role: "status", "aria-label": this.#spelled(text) }, ...spans),
      );
      if (doubts.length > 0) {
        this.#body.append(element("p", { className: "doubts" }, say(words.doubts, { characters: doubts.join(", ") })));
      }
      const sure = say(words.sure, { percent: percent(confidence) });
      this.#say(copied === null ? sure : `${copied ? words.copied : words.copyFailed} · ${sure}`, copied === true);
      this.#offer(text, copied);
      this.#timer = null;
      this.#stay();
    }

    /** The buttons below a text. */
    #offer(text, copied) {
      const words = this.#words;
      this.#copied = copied === true;
      const copy = button(words.copy, () => this.#actions.copy(text), copied ? "" : "primary");
      const fill = button(words.fill, () => {
        const outcome = this.#field.fill(text);
        const kept = outcome !== "filled" && this.#copied;
        this.#say(kept ? `${words[outcome]} · ${words.stillCopied}` : words[outcome], outcome === "filled");
      });
      const enable = () => {
        fill.disabled = !this.#field.there;
        fill.title = fill.disabled ? words.fillNone : words.fillHint;
      };
      enable();
      this.#field.onChange(enable);
      const again = button(words.again, () => this.#actions.again());
      const correct = button(words.correct, () => this.#edit(text));
      this.#put(copy, fill, again, correct);
    }

    /** Puts these where the buttons are. A focus that was on one of them stays in the toast. */
    #put(...children) {
      if (this.#buttons.contains(this.#mount.root.activeElement)) {
        this.#pane.tabIndex = -1;
        this.#pane.focus({ preventScroll: true });
      }
      this.#buttons.replaceChildren(...children);
    }

    /** A field in place of the buttons, for the right text. */
    #edit(text) {
      const words = this.#words;
      const input = element("input", { id: "right", value: text, maxLength: 64, required: true, autocomplete: "off", spellcheck: false });
      const send = button(words.send, () => form.requestSubmit(), "primary");
      const back = () => this.#offer(text, this.#copied);
      const form = element(
        "form",
        {},
        element("label", { htmlFor: "right" }, words.correctLabel),
        input,
        element("div", { className: "buttons" }, send, button(words.cancel, back)),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        // Enter submits without the button.
        if (send.disabled) return;
        send.disabled = true;
        this.#actions.correct(input.value);
      });
      this.#put(form);
      input.focus();
      input.select();
    }

    /** The correction has arrived: it is the text from now on, and `copied` where it is about to be. */
    showCorrected(text, copied) {
      this.#body.replaceChildren(element("p", { className: "text", translate: false }, text));
      this.#say(this.#words.thanks, true);
      this.#offer(text, copied);
    }

    showUncorrected(message) {
      this.#say(message);
      const send = this.#buttons.querySelector("form .primary");
      if (send) send.disabled = false;
    }

    showCopied(copied, { corrected = false } = {}) {
      const words = copied ? this.#words.copied : this.#words.copyFailed;
      this.#copied = copied;
      // A correction's thanks stay.
      this.#say(corrected ? `${this.#words.thanks} · ${words}` : words, copied);
    }

    showTrouble(message, { retryable = false, settings = false, again = false } = {}) {
      this.#body.replaceChildren(element("p", { className: "trouble", role: "alert" }, message));
      this.#say("");
      const words = this.#words;
      this.#put(
        ...(retryable ? [button(words.retry, () => this.#actions.retry(), "primary")] : []),
        ...(again ? [button(words.again, () => this.#actions.again())] : []),
        ...(settings ? [button(words.settings, () => this.#actions.settings())] : []),
      );
    }

    #say(words, done = false) {
      this.#state.textContent = words;
      this.#state.hidden = words === "";
      this.#state.classList.toggle("done", done);
    }

    #spelled(text) {
      return Array.from(text, (character) => this.#name(character)).join(", ");
    }

    #name(character) {
      const { capital, small, digit } = this.#words;
      const kind = /[A-Z]/.test(character) ? capital : /[a-z]/.test(character) ? small : /[0-9]/.test(character) ? digit : null;
      return kind ? say(kind, { character }) : character;
    }

    #stay() {
      // Set only once there is a text: what is under way or wrong stays.
      if (this.#timer === undefined) return;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => (this.#mount.focused ? this.#stay() : this.#leave()), STAY_MS);
    }

    #leave() {
      this.close();
      this.#actions.close();
    }

    close() {
      clearTimeout(this.#timer);
      const { focused } = this.#mount;
      this.#mount.remove();
      if (focused) this.#field.giveFocus();
    }
  };

  function mark() {
    const svg = "http://www.w3.org/2000/svg";
    const drawing = document.createElementNS(svg, "svg");
    drawing.setAttribute("class", "mark");
    drawing.setAttribute("viewBox", "0 0 32 32");
    drawing.setAttribute("aria-hidden", "true");
    for (const [d, stroke, width] of [
      ["M7 11c3-4 6 4 9 0s6 4 9 0", "#ffd27a", "2.6"],
      ["m9 19.5 5 5 9.5-9", "#fff", "3.4"],
    ]) {
      const path = document.createElementNS(svg, "path");
      for (const [name, value] of Object.entries({ d, stroke, "stroke-width": width, fill: "none", "stroke-linecap": "round" })) {
        path.setAttribute(name, value);
      }
      drawing.append(path);
    }
    return drawing;
  }
}
