// The text field that the person was in last, and putting text into it when they ask for that; and what had the focus
// before the overlay took it.

{
  const TEXT_TYPES = new Set(["text", "search", "tel", "number", ""]);

  const isField = (element) => {
    if (!element?.isConnected || element.disabled || element.readOnly) return false;
    // `instanceof` does not hold across frames.
    if (element.localName === "input") return TEXT_TYPES.has(element.getAttribute("type")?.toLowerCase() ?? "");
    return element.localName === "textarea" || element.isContentEditable === true;
  };

  /** What has the focus, inside shadow roots and frames of the same site. */
  const focused = (root = document) => {
    let element = root.activeElement;
    for (;;) {
      const inside = element?.shadowRoot?.activeElement ?? frameDocument(element)?.activeElement;
      if (!inside) return element;
      element = inside;
    }
  };

  const frameDocument = (element) => {
    try {
      return element?.contentDocument ?? null;
    } catch {
      return null;
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
      for (const frame of document.querySelectorAll("iframe, frame")) this.#listen(frameDocument(frame));
    }

    #listen(page) {
      if (!page || this.#watched.has(page)) return;
      this.#watched.add(page);
      page.addEventListener("focusin", (event) => this.#take(event.composedPath()[0]), true);
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

    /** Remembers what has the focus, whatever it is: a password's field and a button are none to fill in. */
    keepFocus() {
      this.#before = focused();
    }

    /** Gives the focus back to exactly that. To another field, what is typed next would go astray. */
    giveFocus() {
      if (this.#before?.isConnected) this.#before.focus({ preventScroll: true });
      this.#before = null;
    }

    /** Replaces what is in the field, as typing would: the page's own scripts hear of it, and no form is sent. */
    fill(text) {
      if (!this.there) return false;
      const field = this.#last;
      const view = field.ownerDocument.defaultView;
      field.focus({ preventScroll: true });
      if (field.isContentEditable && field.localName !== "input" && field.localName !== "textarea") {
        field.ownerDocument.getSelection().selectAllChildren(field);
        return field.ownerDocument.execCommand("insertText", false, text);
      }
      field.select();
      // Typed, so that Ctrl+Z takes it back. It falls short where the field refuses characters.
      if (!field.ownerDocument.execCommand("insertText", false, text) && field.value !== text) {
        field.value = text;
        field.dispatchEvent(new view.InputEvent("input", { bubbles: true, composed: true, inputType: "insertText", data: text }));
      }
      field.dispatchEvent(new view.Event("change", { bubbles: true }));
      return field.value === text;
    }
  };
}
