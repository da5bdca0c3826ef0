// The pictures on the page: which one an area was drawn around, and, looked for only when the person asks, which one the
// captcha may be. Boxes are in CSS pixels of the window.

{
  const { contentOf, elements, inside, under } = byecaptcha;

  const SMALLEST = { width: 40, height: 16 };
  const LARGEST = { width: 520, height: 220 };
  // An edge that is drawn no further off than this is meant to be the picture's.
  const NEAR = { pixels: 12, share: 0.12 };
  // Alone, a picture that merely has the right size is too little to go by.
  const ENOUGH = 3;

  const SAYS_CAPTCHA = /captcha|kaptcha|verif(y|ication)[-_ ]?(code|image|img)|valid(ate|ation)[-_ ]?(code|image|img)|security[-_ ]?(code|image)|check[-_ ]?code|v(erify|alid)?code|auth[-_ ]?(code|image)|rand(om)?[-_ ]?(code|image)|seccode|yzm|验证码|驗證碼|校验码/i;
  const SAYS_FIELD = /captcha|code|characters|letters|picture|image|text you see|zeichen|caract|验证|驗證|校验/i;
  const SAYS_OTHER = /logo|avatar|icon|banner|sprite|qr[-_ ]?code|barcode/i;
  // Challenges of behaviour and of choosing images are left alone; a "mathCaptcha" and a "secureCaptcha" are none.
  const CHALLENGE = /(?<![a-z])(g?re|h-?)captcha|turnstile|challenges\.cloudflare|geetest|funcaptcha|arkoselabs|friendlycaptcha|datadome/i;

  byecaptcha.isPicture = (element) => {
    const name = element.localName;
    if (["img", "canvas", "svg"].includes(name)) return true;
    if (name === "input") return element.type === "image";
    if (["iframe", "body", "html", "object"].includes(name)) return false;
    return /^url\(/.test(element.ownerDocument.defaultView.getComputedStyle(element).backgroundImage);
  };

  const isShown = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });

  /** What an element says of itself, in its names and texts; no address of data, which says anything. */
  const selfDescription = (element) => {
    const source = element.getAttribute("src") ?? "";
    const words = ["id", "class", "name", "alt", "title", "aria-label"].map((name) => element.getAttribute(name) ?? "");
    return [...words, source.startsWith("data:") ? "" : source].join(" ");
  };

  const fieldDescription = (field) =>
    [selfDescription(field), field.placeholder ?? "", ...[...(field.labels ?? [])].map((label) => label.textContent)].join(" ");

  const gap = (one, other) => {
    const across = Math.max(one.x - other.x - other.width, other.x - one.x - one.width, 0);
    const down = Math.max(one.y - other.y - other.height, other.y - one.y - one.height, 0);
    return Math.hypot(across, down);
  };

  function score(element, box, fields) {
    const described = selfDescription(element);
    const parent = element.parentElement;
    let sum = 0;
    if (SAYS_CAPTCHA.test(described)) sum += 5;
    else if (parent && SAYS_CAPTCHA.test(selfDescription(parent))) sum += 3;
    if (SAYS_OTHER.test(described)) sum -= 3;
    const shape = box.width / box.height;
    if (shape >= 1.5 && shape <= 6) sum += 1;
    if (box.width >= 60 && box.width <= 320 && box.height >= 24 && box.height <= 120) sum += 1;
    // A captcha stands beside the field that asks for its text.
    const nearest = Math.min(...fields.map((field) => gap(box, field.box)));
    if (nearest < 160) sum += 1;
    if (fields.some((field) => SAYS_FIELD.test(field.described) && gap(box, field.box) < 160)) sum += 2;
    return sum;
  }

  /** The likely pictures, likeliest first; and whether there is a challenge that is not one of text. */
  byecaptcha.candidates = () => {
    const pictures = [];
    const fields = [];
    let challenge = false;
    for (const { element, frame } of elements()) {
      const name = element.localName;
      if (CHALLENGE.test(`${element.id} ${element.getAttribute("class") ?? ""} ${element.getAttribute("src") ?? ""}`)) {
        challenge ||= isShown(element);
        continue;
      }
      if (name === "textarea" || (name === "input" && /^(text|search|tel|number|)$/.test(element.getAttribute("type") ?? ""))) {
        if (isShown(element)) fields.push({ box: inside(element, frame), described: fieldDescription(element) });
        continue;
      }
      if (!byecaptcha.isPicture(element)) continue;
      const box = inside(element, frame);
      if (box.width < SMALLEST.width || box.height < SMALLEST.height) continue;
      if (box.width > LARGEST.width || box.height > LARGEST.height || !isShown(element)) continue;
      pictures.push({ element, box });
    }
    const scored = pictures
      .map(({ element, box }) => ({ element, score: score(element, box, fields) }))
      .filter(({ score }) => score >= ENOUGH)
      .sort((one, other) => other.score - one.score);
    return { challenge, found: scored.map(({ element }) => element) };
  };

  /**
   * The picture that an area was drawn around, where one is nearly the same: a hand leaves a margin, or cuts a little
   * off, and a text is read best without either.
   */
  byecaptcha.snap = (area) => {
    for (const { element, frame } of under(area.x + area.width / 2, area.y + area.height / 2)) {
      if (!byecaptcha.isPicture(element)) continue;
      const box = contentOf(element, frame);
      const across = Math.max(NEAR.pixels, NEAR.share * box.width);
      const down = Math.max(NEAR.pixels, NEAR.share * box.height);
      const near =
        Math.abs(box.x - area.x) <= across &&
        Math.abs(box.x + box.width - area.x - area.width) <= across &&
        Math.abs(box.y - area.y) <= down &&
        Math.abs(box.y + box.height - area.y - area.height) <= down;
      if (near) return box;
    }
    return area;
  };

  /** The picture that the menu was opened on: of several with one address the one that is seen best. */
  byecaptcha.pictureWith = (source) => {
    const seen = ({ x, y, width, height }) =>
      Math.max(0, Math.min(x + width, innerWidth) - Math.max(x, 0)) *
      Math.max(0, Math.min(y + height, innerHeight) - Math.max(y, 0));
    let best = null;
    for (const { element, frame } of elements()) {
      if ((element.currentSrc || element.src) !== source) continue;
      const area = seen(inside(element, frame));
      if (!best || area > best.area) best = { element, area };
    }
    return best?.element ?? null;
  };
}
