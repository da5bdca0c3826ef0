// Wires the page's side: icon clicked, area marked, picture taken and read by the service worker, toast shown.

{
  const { say } = byecaptcha;
  const field = new byecaptcha.Field();
  let words;
  let overlay = null;
  let toast = null;
  // The reading that the toast is about: its id, its area in the page, and the job once there is one.
  let reading = null;
  let port = null;

  byecaptcha.open = (setting) => {
    words = setting.words;
    // Clicked again, the icon takes the overlay away.
    if (overlay) {
      leave();
      return;
    }
    field.watch();
    if (typeof setting.image === "string") return readImage(setting.image);
    mark(setting.area);
  };

  function mark(last, hint) {
    dismiss();
    const area = last && inWindow(last);
    const onArea = async (area, free) => {
      overlay = null;
      begin(area);
      await free;
      field.giveFocus();
    };
    // The page may have been scrolled by then.
    const onSame = (free) => onArea(broughtIntoWindow(last), free);
    field.keepFocus();
    overlay = new byecaptcha.Overlay({ words, last: area && byecaptcha.isSeen(area) ? area : null, hint, onArea, onSame, onLeave: leave });
  }

  async function leave() {
    const free = overlay?.close();
    overlay = null;
    await free;
    field.giveFocus();
  }

  /** The picture that the menu was opened on. A frame of another site keeps its own to itself: that is dragged over. */
  async function readImage(source) {
    const picture = byecaptcha.pictureWith(source);
    if (!picture) return mark(null, words.hintElsewhere);
    if (!isWhole(byecaptcha.boxOf(picture))) picture.scrollIntoView({ block: "center", behavior: "instant" });
    begin(byecaptcha.boxOf(picture));
  }

  /** `marked` is in CSS pixels of the window. */
  async function begin(marked) {
    dismiss();
    const area = byecaptcha.snap(marked);
    reading = { id: freshId(), place: { ...marked, x: marked.x + scrollX, y: marked.y + scrollY } };
    const { id, place } = reading;
    // What is drawn next has none of the extension in it.
    await drawn();
    // A pinched page shows a part of what it is laid out in.
    const { scale, offsetLeft, offsetTop } = visualViewport;
    const shown = { ...area, x: area.x - offsetLeft, y: area.y - offsetTop };
    send({ kind: "read", id, area: shown, view: { width: innerWidth / scale, height: innerHeight / scale }, place });
  }

  /** The toast, which is not there before the picture is taken. */
  function shown() {
    toast ??= new byecaptcha.Toast({ words, field, actions: {
      copy: (text) => send({ kind: "copy", text }),
      again: () => begin(broughtIntoWindow(reading.place)),
      retry: () => {
        toast.showReading();
        send({ kind: "resume", id: reading.id });
      },
      correct: (text) => send({ kind: "correct", id: reading.id, job: reading.job, text }),
      settings: () => send({ kind: "settings" }),
      close: dismiss,
    } });
    return toast;
  }

  /** Where in the window a place in the page is, once it is there as a whole. */
  function broughtIntoWindow(place) {
    if (!isWhole(inWindow(place))) {
      scrollTo({ left: place.x - innerWidth / 2, top: place.y - innerHeight / 2, behavior: "instant" });
    }
    return inWindow(place);
  }

  function dismiss() {
    toast?.close();
    toast = null;
    if (reading) send({ kind: "forget", id: reading.id });
    reading = null;
  }

  function receive(message) {
    const { kind, id } = message;
    // Of a reading that was given up since.
    if (id !== undefined && id !== reading?.id) return;
    if (kind === "captured") return shown();
    if (kind === "busy") return message.pause ? shown().showBusy(message.pause) : shown().showReading();
    if (kind === "read") {
      reading.ended = true;
      reading.job = message.job;
      return shown().showRead(message.result, message.copied);
    }
    if (kind === "trouble") {
      reading.ended = true;
      return complain(message.trouble, message.retryable);
    }
    if (kind === "copied") return toast?.showCopied(message.copied, { corrected: id !== undefined });
    if (kind === "uncorrected") return toast?.showUncorrected(inWords(message.trouble));
    if (kind === "corrected") {
      toast?.showCorrected(message.text, message.copy);
      // Asked for from here, where it is known that no other captcha was read meanwhile.
      if (message.copy) send({ kind: "copy", id, text: message.text });
    }
  }

  function complain(trouble, retryable) {
    shown().showTrouble(inWords(trouble), { retryable, settings: trouble.settings, again: !retryable && trouble.kind !== "gone" });
  }

  function inWords({ kind, values }) {
    return say(words[kind] ?? words.wrong, values);
  }

  function send(message) {
    if (message.kind === "read" || message.kind === "resume") reading.ended = false;
    try {
      port ??= connect();
      port.postMessage(message);
    } catch {
      // The extension was updated or removed, and this page still has the old one.
      port = null;
      if (message.kind !== "forget") shown().showTrouble(words.updated);
    }
  }

  function connect() {
    const fresh = chrome.runtime.connect({ name: "page" });
    fresh.onMessage.addListener(receive);
    fresh.onDisconnect.addListener(() => {
      if (port === fresh) port = null;
      // The service worker was stopped. Connecting wakes it, and it goes on with what it had.
      if (reading && !reading.ended) setTimeout(() => reading && !reading.ended && send({ kind: "resume", id: reading.id }), 100);
    });
    return fresh;
  }

  const inWindow = ({ x, y, width, height }) => ({ x: x - scrollX, y: y - scrollY, width, height });

  const isWhole = ({ x, y, width, height }) => x >= 0 && y >= 0 && x + width <= innerWidth && y + height <= innerHeight;

  /** Random, since `crypto.randomUUID` is not there on plain HTTP. */
  const freshId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("");

  /** Once the next frame is on the screen. Tabs in the background draw none, and cannot be captured either. */
  const drawn = () =>
    Promise.race([
      new Promise((over) => requestAnimationFrame(() => requestAnimationFrame(over))),
      new Promise((over) => setTimeout(over, 200)),
    ]);
}
