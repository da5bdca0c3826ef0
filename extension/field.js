// The text field that the person was in last, and putting text into it when they ask for that; and what had the focus
// before the overlay or the toast took it.

{
  const { pageOf, rootIn } = byecaptcha;

  const TEXT_TYPES = new Set(["text", "search", "tel", "number", ""]);

  /** Not taken out of its page, and that page not gone from its frame. */
  const isThere = (element) => Boolean(element?.isConnected && element.ownerDocument.defaultView);

  const isLocked = (element) => element.matches(":disabled") || element.readOnly === true;

  const isText = ({ localName }) => localName === "input" || localName === "textarea";

  const isField = (element) => {
    if (!isThere(element) || isLocked(element)) return false;
    // `instanceof` does not hold across frames.
    if (element.localName === "input") return TEXT_TYPES.has(element.getAttribute("type")?.toLowerCase() ?? "");
    return isText(element) || element.isContentEditable === true;
  };

  /** What has the focus, inside shadow roots and frames of the same site. */
  const focused = (root = document) => {
    let element = root.activeElement;
    for (;;) {
      const inside = element && (rootIn(element)?.activeElement ?? pageOf(element)?.activeElement);
      if (!inside) return element;
      element = inside;
    }
  };

  byecaptcha.Field = class {
    #last = null;
    #before = null;
    #onChange = () => {};
    #watched = new WeakSet();

    /** Begins with what has the focus now and goes on with what gets it. */
    watch() {
      this.#take(focused());
      this.#listen(document);
      for (const frame of document.querySelectorAll("iframe, frame")) this.#listen(pageOf(frame));
    }

    #listen(page) {
      if (!page || this.#watched.has(page)) return;
      this.#watched.add(page);
      page.addEventListener("focusin", () => this.#take(focused()), true);
    }

    #take(element) {
      if (!isField(element)) return;
      this.#last = element;
      this.#onChange();
    }

    onChange(listener) {
      this.#onChange = listener;
    }

    get there() {
      return isField(this.#last);
    }

    /** Remembers what has the focus, or had it, whatever it is: a password's field and a button are none to fill in. */
    keepFocus(element = focused()) {
      this.#before = element;
    }

    /** Gives the focus back to exactly that. To another field, what is typed next would go astray. */
    giveFocus() {
      if (this.#before?.isConnected) this.#before.focus({ preventScroll: true });
      this.#before = null;
    }

    /**
     * Replaces what is in the field, as typing would: the page's own scripts hear of it, and no form is sent. Gives the name
     * of the words for how that went: "filled", "fillGone", "fillLocked" or "fillRefused".
     */
    fill(text) {
      // Nobody outside a shadow root is told where inside it the focus goes.
      this.#take(focused());
      const field = this.#last;
      if (!isThere(field)) return "fillGone";
      // It may have become a password's, too.
      if (!isField(field)) return "fillLocked";
      field.focus({ preventScroll: true });
      // What is hidden or behind a dialog takes no focus, and what is typed would go to what has it.
      if (field.getRootNode().activeElement !== field) return "fillGone";
      const write = isText(field) ? this.#type : this.#edit;
      return write(field, text) ? "filled" : "fillRefused";
    }

    /** Whether it is in an element that can be edited. */
    #edit(field, text) {
      const { ownerDocument: page } = field;
      page.getSelection().selectAllChildren(field);
      return page.execCommand("insertText", false, text) && field.textContent.trim() === text.trim();
    }

    /** Whether it is in a field of text; some write in capitals what they are given. */
    #type(field, text) {
      const view = field.ownerDocument.defaultView;
      field.select();
      // Typed, so that Ctrl+Z takes it back. It falls short where the field refuses characters.
      if (!field.ownerDocument.execCommand("insertText", false, text) && field.value !== text) {
        field.value = text;
        field.dispatchEvent(new view.InputEvent("input", { bubbles: true, composed: true, inputType: "insertText", data: text }));
      }
      field.dispatchEvent(new view.Event("change", { bubbles: true }));
      return field.value.toLowerCase() === text.toLowerCase();
    }
  };
}
