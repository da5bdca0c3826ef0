// The overlay on which an area is marked: by dragging, by the keyboard, or by confirming a proposal.

{
  const { element, button, say } = byecaptcha;

  // Less than this in CSS pixels on a side is a click, not a captcha.
  const SMALLEST = 10;
  const FIRST = { width: 200, height: 70 };
  const STEP = 10;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /**
   * Keeps a key that is down from the page until it is up, and is done then: its repetition would send a form, its end press a
   * button. Pressed anew, or up unseen, it is the page's.
   */
  const untilUp = (key) =>
    new Promise((over) => {
      const aborter = new AbortController();
      const { signal } = aborter;
      signal.addEventListener("abort", over);
      const keep = (event) => {
        if (!event.isTrusted || event.key !== key) return;
        if (event.type === "keydown" && !event.repeat) return aborter.abort();
        event.preventDefault();
        event.stopImmediatePropagation();
        if (event.type === "keyup") aborter.abort();
      };
      for (const kind of ["keydown", "keypress", "keyup"]) window.addEventListener(kind, keep, { capture: true, signal });
      window.addEventListener("blur", () => aborter.abort(), { signal });
    });

  byecaptcha.Overlay = class {
    #words;
    #onArea;
    #onSame;
    #onLeave;
    #mount;
    #area = null;
    #anchor = null;
    #from = null;
    #proposals = [];
    // The key that was pressed last, while it is down.
    #down = null;
    #aborter = new AbortController();

    /**
     * `last` is the area of the last time, where it is in the window, and `onSame` is called to read it again; `hint` stands
     * in for the usual one. `onArea` gets the area and what `close` gives, `onSame` the latter.
     */
    constructor({ words, last, hint, onArea, onSame, onLeave }) {
      this.#words = words;
      this.#onArea = onArea;
      this.#onSame = onSame;
      this.#onLeave = onLeave;
      this.frame = element("div", { className: "frame", hidden: true });
      this.hint = element("p", { className: "hint" }, hint ?? words.hint);
      this.spoken = element("p", { className: "unseen", role: "status" });
      this.readButton = button(words.read, () => this.#finish(this.#area), "primary");
      this.readButton.hidden = true;
      this.findButton = button(words.find, () => this.#find());
      const same = button(words.sameArea, () => this.#onSame(this.close()));
      same.hidden = !last;
      const keys = element("p", { className: "keys" }, `${words.hintKeys}. `, element("kbd", {}, "Esc"), ` ${words.hintLeave}`);
      const bar = element(
        "div",
        { className: "bar" },
        element("div", { className: "words" }, this.hint, keys),
        element("div", { className: "buttons" }, this.readButton, same, this.findButton),
      );
      this.pane = element(
        "div",
        { className: "overlay clear", tabIndex: -1, role: "dialog", "aria-label": words.overlay, "aria-modal": "true" },
        this.frame,
        bar,
        this.spoken,
      );
      // Before the mount, which keeps what comes to it.
      this.#listen();
      this.#mount = new byecaptcha.Mount(this.pane, words.lang, bar);
      if (last) this.#mark(last, { proposed: true });
      this.pane.focus({ preventScroll: true });
      this.#watch();
    }

    #listen() {
      const { signal } = this.#aborter;
      this.pane.addEventListener("pointerdown", (event) => this.#begin(event));
      this.pane.addEventListener("pointermove", (event) => this.#drag(event));
      this.pane.addEventListener("pointerup", (event) => this.#drop(event));
      this.pane.addEventListener("pointercancel", () => this.#stop());
      window.addEventListener("keydown", (event) => this.#press(event), { capture: true, signal });
      for (const kind of ["keyup", "keypress"]) {
        window.addEventListener(kind, (event) => this.#keep(event), { capture: true, signal });
      }
    }

    #keep(event) {
      if (event.isTrusted && event.type === "keyup") this.#down = null;
      event.stopImmediatePropagation();
    }

    #begin(event) {
      if (event.button !== 0 || event.composedPath().some((each) => each.localName === "button")) return;
      this.#from = { x: event.clientX, y: event.clientY };
      this.pane.setPointerCapture(event.pointerId);
      this.pane.classList.add("dragging");
    }

    #drag(event) {
      if (this.#from) this.#mark(this.#between(event));
    }

    #between({ clientX, clientY }) {
      const x = Math.min(Math.max(clientX, 0), innerWidth);
      const y = Math.min(Math.max(clientY, 0), innerHeight);
      return {
        x: Math.min(x, this.#from.x),
        y: Math.min(y, this.#from.y),
        width: Math.abs(x - this.#from.x),
        height: Math.abs(y - this.#from.y),
      };
    }

    #drop(event) {
      if (!this.#from) return;
      const area = this.#between(event);
      this.#stop();
      this.#finish(area);
    }

    #stop() {
      this.#from = null;
      this.pane.classList.remove("dragging");
    }

    #press(event) {
      // A page's script presses no keys of the overlay.
      if (!event.isTrusted) return;
      this.#down = event.key;
      const arrow = ARROWS[event.key];
      const onButton = this.#mount.root.activeElement?.localName === "button";
      if (event.key === "Tab" || (onButton && (event.key === "Enter" || event.key === " "))) {
        event.stopImmediatePropagation();
        if (event.key === "Tab") this.#turn(event);
        return;
      }
      event.stopImmediatePropagation();
      // The browser's own shortcuts stay.
      if (!arrow && event.key !== "Escape" && event.key !== "Enter") return;
      event.preventDefault();
      if (event.key === "Escape") {
        this.#onLeave();
      } else if (arrow) {
        this.#stop();
        this.#nudge(arrow, event);
      } else if (this.#area) {
        this.#finish(this.#area);
      }
    }

    /** Tab goes round inside the overlay. */
    #turn(event) {
      const stops = [...this.pane.querySelectorAll("button")].filter((each) => !each.hidden);
      const now = stops.indexOf(this.#mount.root.activeElement);
      const next = event.shiftKey ? (now <= 0 ? stops.length - 1 : now - 1) : (now + 1) % stops.length;
      event.preventDefault();
      stops[next]?.focus();
    }

    #nudge([right, down], { shiftKey, ctrlKey, metaKey }) {
      const step = ctrlKey || metaKey ? 1 : STEP;
      const area = this.#area ?? {
        x: Math.round(visualViewport.offsetLeft + (visualViewport.width - FIRST.width) / 2),
        y: Math.round(visualViewport.offsetTop + (visualViewport.height - FIRST.height) / 2),
        ...FIRST,
      };
      // The first key shows the frame, the next ones move it.
      if (!this.#area) return this.#mark(area, { spoken: true });
      const size = {
        width: area.width + (shiftKey ? right * step : 0),
        height: area.height + (shiftKey ? down * step : 0),
      };
      size.width = Math.min(Math.max(size.width, SMALLEST), innerWidth);
      size.height = Math.min(Math.max(size.height, SMALLEST), innerHeight);
      const x = Math.min(Math.max(area.x + (shiftKey ? 0 : right * step), 0), innerWidth - size.width);
      const y = Math.min(Math.max(area.y + (shiftKey ? 0 : down * step), 0), innerHeight - size.height);
      this.#mark({ x, y, ...size }, { spoken: true });
    }

    /** `anchor` is what the area goes with: what is drawn there, unless told. */
    #mark(area, { proposed = false, spoken = false, anchor } = {}) {
      this.#area = area;
      // Under the hand that draws, nothing moves by itself.
      this.#anchor = this.#from ? null : (anchor ?? new byecaptcha.Anchor(area));
      this.pane.classList.remove("clear");
      this.frame.hidden = false;
      this.frame.classList.toggle("proposed", proposed);
      for (const [side, value] of [["left", area.x], ["top", area.y], ["width", area.width], ["height", area.height]]) {
        this.frame.style[side] = `${value}px`;
      }
      this.readButton.hidden = this.#from !== null;
      if (!proposed) this.#offerFind();
      if (!spoken) return;
      const rounded = Object.fromEntries(Object.entries(area).map(([name, value]) => [name, Math.round(value)]));
      this.spoken.textContent = say(this.#words.frameAt, rounded);
    }

    #unmark() {
      this.#area = null;
      this.#anchor = null;
      this.frame.hidden = true;
      // A button that is gone leaves the focus nowhere.
      if (this.#mount.root.activeElement === this.readButton) this.pane.focus({ preventScroll: true });
      this.readButton.hidden = true;
      this.pane.classList.add("clear");
      this.#offerFind();
    }

    /** The only proposal there is hides the button for the next; without its frame it can be asked for anew. */
    #offerFind() {
      if (!this.findButton.hidden) return;
      this.findButton.hidden = false;
      this.findButton.textContent = this.#words.find;
    }

    /** Looks with every picture of the screen, since nothing tells of all that moves what is in a page. */
    #watch() {
      if (this.#aborter.signal.aborted) return;
      this.#mount.settle();
      this.#follow();
      requestAnimationFrame(() => this.#watch());
    }

    /** The page moved: the frame stays on what it is around, and is gone once that is out of sight. */
    #follow() {
      const anchor = this.#anchor;
      if (!anchor || this.#from) return;
      const { area } = anchor;
      if (!area) return this.#unmark();
      const moved = Object.keys(area).some((side) => Math.abs(area[side] - this.#area[side]) > 0.01);
      if (moved) this.#mark(area, { proposed: this.frame.classList.contains("proposed"), anchor });
    }

    /** Outlines the likeliest picture; pressed again, the next one. */
    #find() {
      const { found, challenge } = byecaptcha.candidates();
      const fresh = found.filter((picture) => !this.#proposals.includes(picture));
      const picture = fresh[0] ?? found[0];
      if (!picture) return this.#tell(challenge ? this.#words.challenge : this.#words.notFound);
      if (fresh.length === 0) this.#proposals = [];
      this.#proposals.push(picture);
      picture.scrollIntoView({ block: "nearest", behavior: "instant" });
      const area = byecaptcha.boxOf(picture);
      this.#mark(area, { proposed: true, anchor: new byecaptcha.Anchor(area, picture) });
      this.findButton.textContent = this.#words.findNext;
      this.findButton.hidden = found.length < 2;
      this.#tell(this.#words.found);
      this.readButton.focus();
    }

    #tell(words) {
      this.hint.textContent = words;
      this.spoken.textContent = words;
    }

    #finish(area) {
      if (area.width < SMALLEST || area.height < SMALLEST) {
        this.#unmark();
        return this.#tell(this.#words.tooSmall);
      }
      this.#onArea(area, this.close());
    }

    /** Gives what is over once the page may have the focus: no key is down any more that was pressed in here. */
    close() {
      this.#aborter.abort();
      this.#mount.remove();
      return this.#down === null ? Promise.resolve() : untilUp(this.#down);
    }
  };
}
