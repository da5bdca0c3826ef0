// Where things are, through frames of the same site and shadow roots, however they are scaled. Boxes are in CSS pixels of
// the window.

{
  /** Where a document begins in the window, and how many of the window's pixels one of its own takes. */
  const WINDOW = { x: 0, y: 0, across: 1, down: 1 };

  /** The document in a frame of the same site; nothing for all else. */
  const pageOf = (element) => {
    try {
      return element?.contentDocument ?? null;
    } catch {
      return null;
    }
  };

  /** The shadow root of an element, closed ones of the page's own elements included; none for the extension's. */
  const rootIn = (element) => {
    if (element.localName === "byecaptcha-overlay") return null;
    try {
      if (element.localName.includes("-")) return chrome.dom.openOrClosedShadowRoot(element);
    } catch {
      // The extension was updated, or this is an SVG element.
    }
    return element.shadowRoot;
  };

  /** How large one of an element's own pixels is in its document: `zoom` and transforms, its own and those around it. */
  const scaleOf = (element) => {
    const { width, height } = element.getBoundingClientRect();
    // The element's own sizes are whole numbers, so that a difference below one says nothing.
    const ratio = (seen, own) => (own > 0 && Math.abs(seen - own) >= 1 ? seen / own : 1);
    return { across: ratio(width, element.offsetWidth), down: ratio(height, element.offsetHeight) };
  };

  const inside = (element, frame) => {
    const box = element.getBoundingClientRect();
    return {
      x: frame.x + box.x * frame.across,
      y: frame.y + box.y * frame.down,
      width: box.width * frame.across,
      height: box.height * frame.down,
    };
  };

  /** An element without its border and padding. */
  const contentOf = (element, frame) => {
    const style = element.ownerDocument.defaultView.getComputedStyle(element);
    const scale = scaleOf(element);
    const inset = (side, by) => by * (parseFloat(style[`border${side}Width`]) + parseFloat(style[`padding${side}`]));
    const [across, down] = [scale.across * frame.across, scale.down * frame.down];
    const { x, y, width, height } = inside(element, frame);
    const [left, top] = [inset("Left", across), inset("Top", down)];
    return { x: x + left, y: y + top, width: width - left - inset("Right", across), height: height - top - inset("Bottom", down) };
  };

  const frameInside = (element, frame) => {
    const { x, y } = contentOf(element, frame);
    const { across, down } = scaleOf(element);
    return { x, y, across: frame.across * across, down: frame.down * down };
  };

  const frameOf = (element) => {
    const around = element.ownerDocument.defaultView?.frameElement;
    return around ? frameInside(around, frameOf(around)) : WINDOW;
  };

  /** All elements, each with its frame. */
  function* elements(root = document, frame = WINDOW) {
    for (const element of root.querySelectorAll("*")) {
      yield { element, frame };
      const shadow = rootIn(element);
      if (shadow) yield* elements(shadow, frame);
      const page = pageOf(element);
      if (page) yield* elements(page, frameInside(element, frame));
    }
  }

  /** What is drawn at a place, the topmost first, without what is the extension's. */
  function* under(x, y, root = document, frame = WINDOW) {
    for (const element of root.elementsFromPoint((x - frame.x) / frame.across, (y - frame.y) / frame.down)) {
      // A shadow root tells of what is around it, too.
      if (element.getRootNode() !== root || element.localName === "byecaptcha-overlay") continue;
      const shadow = rootIn(element);
      if (shadow) yield* under(x, y, shadow, frame);
      const page = pageOf(element);
      if (page) yield* under(x, y, page, frameInside(element, frame));
      yield { element, frame };
    }
  }

  /** This document and all shadow roots in it. */
  function* roots(root = document) {
    yield root;
    for (const element of root.querySelectorAll("*")) {
      const shadow = rootIn(element);
      if (shadow) yield* roots(shadow);
    }
  }

  const isSeen = ({ x, y, width, height }) => x + width > 0 && y + height > 0 && x < innerWidth && y < innerHeight;

  const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];

  /** Holds on to what an area is around, so that the area goes where that goes. */
  class Anchor {
    #area;
    #element;
    #box;
    #hit;

    /** `element` is what the area is around; what is drawn in its middle unless told. */
    constructor(area, element) {
      this.#area = area;
      const hit = element ?? under(...middle(area)).next().value?.element;
      this.#element = hit ?? document.documentElement;
      this.#box = byecaptcha.boxOf(this.#element);
      this.#hit = this.#isDrawn(area);
    }

    /** Where the area is now; nothing where that is out of sight or what it was around is gone. */
    get area() {
      const element = this.#element;
      if (!element.isConnected || !element.ownerDocument.defaultView) return null;
      const [box, before, { x, y, width, height }] = [byecaptcha.boxOf(element), this.#box, this.#area];
      // A picture grows with what is in it, and of other things only the place counts.
      const resized = byecaptcha.isPicture(element) && before.width > 0 && before.height > 0;
      const [across, down] = resized ? [box.width / before.width, box.height / before.height] : [1, 1];
      const area = { x: box.x + (x - before.x) * across, y: box.y + (y - before.y) * down, width: width * across, height: height * down };
      return isSeen(area) && (!this.#hit || this.#isDrawn(area)) ? area : null;
    }

    /** Whether it is drawn in an area's middle, rather than scrolled away inside the page; outside the window nobody knows. */
    #isDrawn(area) {
      const [x, y] = middle(area);
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return true;
      for (const { element } of under(x, y)) if (element === this.#element) return true;
      return false;
    }
  }

  Object.assign(byecaptcha, { Anchor, contentOf, elements, inside, isSeen, pageOf, rootIn, roots, under });

  /** Where an element is in the window, with the frames that it is in. */
  byecaptcha.boxOf = (element) => inside(element, frameOf(element));
}
