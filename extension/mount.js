// Where the extension's own elements live in a page: a closed shadow root in the top layer, out of reach of the page's
// styles, over its dialogs and full screens. What happens there is none of the page's business.

{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(byecaptcha.look);

  // What the page would hear of, and could take for a click beside its dialog, a focus that left it or a shortcut.
  const KEPT = [
    ...["down", "move", "up", "cancel", "over", "out", "enter", "leave"].map((what) => `pointer${what}`),
    ...["down", "move", "up", "over", "out", "enter", "leave"].map((what) => `mouse${what}`),
    ...["gotpointercapture", "lostpointercapture", "touchstart", "touchmove", "touchend", "touchcancel"],
    ...["click", "auxclick", "dblclick", "contextmenu", "dragstart", "selectstart"],
    ...["keydown", "keyup", "keypress", "beforeinput", "input", "change", "paste", "copy", "cut"],
    ...["compositionstart", "compositionupdate", "compositionend", "focus", "blur", "focusin", "focusout"],
  ];
  // What the overlay and the toast listen to themselves.
  const HEARD = new Set([
    ...["pointerdown", "pointermove", "pointerup", "pointercancel", "pointerover", "pointerout"],
    ...["mousedown", "click", "keydown", "focusin", "focusout"],
  ]);
  // What the page's own elements are told when pointer or focus goes from them to the extension's.
  const LEAVING = new Set(["pointerout", "pointerleave", "mouseout", "mouseleave", "focusout", "blur"]);

  // All outside a full screen or a modal dialog is inert, and a click outside of these others closes them.
  const HOMES = ":fullscreen, dialog:modal, dialog[open][closedby=any], [popover]:not([popover=manual]):popover-open";

  /** An element with properties and children; a string is text, never markup. */
  byecaptcha.element = (name, properties = {}, ...children) => {
    // In a document of XML, an element without its namespace is none of HTML's.
    const made = document.createElementNS("http://www.w3.org/1999/xhtml", name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.startsWith("aria-") || key === "role") made.setAttribute(key, value);
      else made[key] = value;
    }
    made.append(...children);
    return made;
  };

  /** A button that leaves the focus where it is when it is clicked, so that the page's field keeps its caret. */
  byecaptcha.button = (words, onClick, className = "") => {
    const made = byecaptcha.element("button", { type: "button", className }, words);
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", onClick);
    return made;
  };

  /** The sentence with its places taken by values, as in words.js. */
  byecaptcha.say = (sentence, values = {}) =>
    sentence.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place)).trim();

  byecaptcha.Mount = class {
    #host = byecaptcha.element("byecaptcha-overlay");
    #content;
    #pressed = null;
    #aborter = new AbortController();

    /** Shows `content`; of it, `seen` is kept in what is seen of a pinched page, and at its usual size there. */
    constructor(content, lang, seen = content) {
      // Inline and important, which no style of the page's outweighs.
      this.#host.style.cssText =
        "all: initial !important; position: fixed !important; inset: 0 auto auto 0 !important; width: 0 !important; " +
        "height: 0 !important; margin: 0 !important; border: 0 !important; padding: 0 !important; " +
        "overflow: visible !important; background: none !important; z-index: 2147483647 !important; " +
        // Which `all` leaves as they are: the order of a page that is written from the right.
        "display: block !important; direction: ltr !important; unicode-bidi: isolate !important;";
      this.#host.lang = lang;
      this.#host.popover = "manual";
      const root = this.#host.attachShadow({ mode: "closed", delegatesFocus: false });
      root.adoptedStyleSheets = [sheet];
      root.append(content);
      this.root = root;
      this.#content = content;
      this.#fit(seen);
      this.#place();
      this.#listen();
      // A video or a frame that fills the screen has no room for anything in it.
      if (document.fullscreenElement && !this.#isReachable()) document.exitFullscreen().catch(() => {});
    }

    #listen() {
      const { signal } = this.#aborter;
      // Before all listeners of the page but those that it has at the window, too.
      this.#keepAt(window);
      document.addEventListener("fullscreenchange", () => this.settle(), { signal });
      // Dialogs and popovers, which come on top of what was there.
      for (const root of byecaptcha.roots()) {
        root.addEventListener("toggle", ({ target }) => target !== this.#host && this.settle(), { capture: true, signal });
      }
      // The dialog around it is closed, or taken out of the page.
      const watcher = new ResizeObserver(() => this.settle());
      watcher.observe(this.#content);
      signal.addEventListener("abort", () => watcher.disconnect());
    }

    #keepAt(place) {
      const options = { capture: true, signal: this.#aborter.signal };
      // The same listener a second time is none.
      for (const kind of KEPT) place.addEventListener(kind, this.#keep, options);
    }

    /** Brings it back to where it is seen and can be used, if it is not. */
    settle() {
      if (this.#aborter.signal.aborted) return;
      if (!this.#isReachable()) this.#place();
      else this.#unzoom();
    }

    #place() {
      const focused = this.root.activeElement;
      // The last one is most likely on top.
      const open = [...byecaptcha.roots()].flatMap((root) => [...root.querySelectorAll(HOMES)]).reverse();
      const homes = [...open, document.documentElement];
      const isHome = (home) => {
        this.#moveTo(home);
        return this.#isReachable();
      };
      homes.some(isHome);
      focused?.focus({ preventScroll: true });
    }

    #moveTo(home) {
      home.append(this.#host);
      // Moving has hidden it, and the one that is shown last is on top.
      this.#host.showPopover();
      this.#unzoom();
      // Outside one of the page's closed shadow roots, nothing tells that an event is for what is in there.
      const root = this.#host.getRootNode();
      if (root !== document) this.#keepAt(root);
    }

    /** The top layer is free of the page's transforms, but not of its `zoom`. */
    #unzoom() {
      const zoom = this.#host.currentCSSZoom;
      if (Math.abs(zoom - 1) < 1e-6) return;
      const own = Number(this.#host.style.zoom) || 1;
      this.#host.style.setProperty("zoom", String(own / zoom), "important");
    }

    /** Whether it is on top where it is, and not inert. */
    #isReachable() {
      const { x, y, width, height } = this.#content.getBoundingClientRect();
      if (width === 0) return false;
      return this.#host.getRootNode().elementFromPoint(x + width / 2, y + height / 2) === this.#host;
    }

    /** Has an element in the part of a pinched page that is seen. */
    #fit(seen) {
      const view = byecaptcha.element("div", { className: "view" });
      seen.replaceWith(view);
      view.append(seen);
      const fit = () => {
        const { offsetLeft, offsetTop, width, height, scale } = visualViewport;
        const sides = { left: offsetLeft, top: offsetTop, width: width * scale, height: height * scale };
        for (const [side, value] of Object.entries(sides)) view.style[side] = `${value}px`;
        view.style.transform = scale === 1 ? "none" : `scale(${1 / scale})`;
      };
      fit();
      for (const kind of ["resize", "scroll"]) visualViewport.addEventListener(kind, fit, { signal: this.#aborter.signal });
    }

    /** Keeps an event from the page where it is the extension's. */
    #keep = (event) => {
      // A page's script presses nothing in here.
      if (!event.isTrusted) return;
      const { type } = event;
      const ours = event.composedPath().includes(this.#host);
      if (!ours && !(LEAVING.has(type) && event.relatedTarget === this.#host)) return;
      event.stopImmediatePropagation();
      if (!ours || !HEARD.has(type)) return;
      const target = this.#targetOf(event);
      // What stopped at the window never came here. The copy ends at the shadow root, which it is not composed to leave.
      const get = (from, name) => (name === "composed" ? false : from[name]);
      const copy = new event.constructor(type, new Proxy(event, { get }));
      if (!target.dispatchEvent(copy)) event.preventDefault();
    };

    /** The element that an event is for; from outside, a closed root tells none. */
    #targetOf(event) {
      const { type, clientX, clientY, detail } = event;
      const focused = this.root.activeElement ?? this.#content;
      // A click without a pointer is a key's, or that of an aid to people.
      if (/^(key|focus)/.test(type) || (type === "click" && detail === 0)) return focused;
      // A shadow root tells of what is around it, too.
      const found = this.root.elementFromPoint(clientX, clientY);
      const there = found?.getRootNode() === this.root ? found : this.#content;
      if (type === "mousedown") this.#pressed = there;
      return type === "click" && there !== this.#pressed ? this.#content : there;
    }

    get focused() {
      return this.root.activeElement !== null;
    }

    remove() {
      this.#host.remove();
      this.#aborter.abort();
    }
  };
}
