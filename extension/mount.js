// Where the extension's own elements live in a page: a closed shadow root in the top layer, out of reach of the page's
// styles and over its dialogs.

{
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(byecaptcha.look);

  /** An element with properties and children; a string is text, never markup. */
  byecaptcha.element = (name, properties = {}, ...children) => {
    const made = document.createElement(name);
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
    made.addEventListener("pointerdown", (event) => event.stopPropagation());
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", onClick);
    return made;
  };

  /** The sentence with its places taken by values, as in words.js. */
  byecaptcha.say = (sentence, values = {}) =>
    sentence.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place)).trim();

  byecaptcha.Mount = class {
    #host = document.createElement("byecaptcha-overlay");

    constructor(content, lang) {
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
      // What is typed into the toast is none of the page's shortcuts.
      for (const kind of ["keydown", "keyup", "keypress", "input", "paste", "copy", "cut"]) {
        this.#host.addEventListener(kind, (event) => event.stopPropagation());
      }
      // All outside an open modal dialog is inert, so what is to be used beside one has to be inside it.
      const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
      (modal ?? document.documentElement).append(this.#host);
      this.#host.showPopover();
    }

    get focused() {
      return this.root.activeElement !== null;
    }

    remove() {
      this.#host.remove();
    }
  };
}
