// A site with captchas on it, as an image, a canvas, a background, in frames, in a dialog, far down a page.

import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const FIXTURES = join(import.meta.dirname, "../api/browser-tests/fixtures");

/** The labelled pictures of a folder, by their labels. */
async function labelled(folder) {
  return new Map((await readdir(folder)).sort().map((name) => [name.split("_")[0], join(folder, name)]));
}

export const fixtures = await labelled(FIXTURES);

const form = (picture) => `
  <form action="/sent"><p><label>Name <input name="name" id="name"></label></p>
  <p>${picture}</p><p><label>Enter the characters you see <input name="code" id="code" autocomplete="off"></label></p>
  <button>Sign in</button></form>`;

const shadowDialog = (label, mode) => `<p>Sign in</p><page-dialog></page-dialog><script>
  customElements.define("page-dialog", class extends HTMLElement {
    constructor() {
      super();
      window.inside = this.attachShadow({ mode: "${mode}" });
      window.inside.innerHTML = \`<dialog>${form(`<img id="captcha" src="/picture/${label}.jpg">`)}</dialog>\`;
    }
    connectedCallback() {
      window.inside.querySelector("dialog").showModal();
    }
  });
</script>`;

// What is shown as it is, in no page.
const DOCUMENTS = {
  drawing: ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="80"><text x="9" y="50" font-size="40">17JU</text></svg>'],
  feed: ["application/xml", "<feed><entry>17JU</entry></feed>"],
  xhtml: ["application/xhtml+xml", '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>XHTML</title></head><body><img id="captcha" alt="" src="/picture/17JU.jpg"/></body></html>'],
  text: ["text/plain", "17JU"],
};

const PAGES = {
  image: (label) => form(`<img id="captcha" alt="Security code" src="/picture/${label}.jpg">`),
  // Not of a challenge, though its names end like one's.
  named: (label) => form(`<img id="captcha" class="mathCaptcha" src="/picture/${label}.jpg?of=secureCaptcha">`),
  canvas: (label) => `${form('<canvas id="captcha"></canvas>')}<script>
    const image = new Image();
    image.onload = () => {
      Object.assign(captcha, { width: image.naturalWidth, height: image.naturalHeight });
      captcha.getContext("2d").drawImage(image, 0, 0);
      captcha.dataset.ready = "";
    };
    image.src = "/picture/${label}.jpg";
  </script>`,
  background: (label) =>
    form(`<span id="captcha" class="captcha" style="display: inline-block; width: 128px; height: 48px; background: url(/picture/${label}.jpg)"></span>`),
  frame: (label) => `<p>Sign in</p><iframe id="frame" width="400" height="300" style="border: 3px solid #888" src="/image/${label}"></iframe>`,
  // Another origin, though the same machine.
  foreign: (label, port) => `<p>Sign in</p><iframe id="frame" width="400" height="300" src="http://localhost:${port}/image/${label}"></iframe>`,
  scrolled: (label) => `<div style="height: 1700px">Scroll down</div>${form(`<img id="captcha" src="/picture/${label}.jpg">`)}<div style="height: 1500px"></div>`,
  dialog: (label) => `<dialog id="dialog">${form(`<img id="captcha" src="/picture/${label}.jpg">`)}</dialog><script>dialog.showModal()</script>`,
  full: (label) => `<div id="stage" style="padding: 20px; background: #fff">${form(`<img id="captcha" src="/picture/${label}.jpg">`)}</div>
    <button id="go" onclick="stage.requestFullscreen()">Full screen</button>`,
  // Nothing can be put into a picture.
  fullPicture: (label) => `${form(`<img id="captcha" src="/picture/${label}.jpg">`)}<button id="go" onclick="captcha.requestFullscreen()">Full screen</button>`,
  // A dialog that nothing outside can look into, or that everything can.
  shadow: (label) => shadowDialog(label, "open"),
  closed: (label) => shadowDialog(label, "closed"),
  // Closed by whatever is done beside it, and jealous of the focus.
  jealous: (label) => `<div id="menu" popover>${form(`<img id="captcha" src="/picture/${label}.jpg">`)}</div><script>
    window.heard = [];
    menu.showPopover();
    const dismiss = ({ type }) => {
      window.heard.push(type);
      menu.hidePopover();
    };
    const beside = (event) => event.target !== document && !menu.contains(event.target) && dismiss(event);
    for (const kind of ["pointerdown", "pointerup", "pointermove", "mousedown", "mouseup", "mousemove", "click", "keydown", "input", "focusin"]) {
      document.addEventListener(kind, beside, true);
    }
    for (const kind of ["blur", "focusout", "mouseleave"]) document.getElementById("code").addEventListener(kind, dismiss);
  </script>`,
  zoomed: (label) => `<style>html { zoom: 1.4 }</style>${form(`<img id="captcha" class="captcha" style="border: 2px solid; padding: 2px" src="/picture/${label}.jpg">`)}`,
  scaled: (label) => `<p>Sign in</p><iframe id="frame" width="400" height="300" style="border: 8px solid #888; padding: 6px; transform: scale(0.75); transform-origin: 20px 10px"
    src="/image/${label}"></iframe>`,
  zoomedFrame: (label) => `<p>Sign in</p><iframe id="frame" width="400" height="300" style="border: 8px solid #888; padding: 6px; zoom: 1.5" src="/image/${label}"></iframe>`,
  scroller: (label) => `<div id="scroller" style="height: 260px; width: 500px; overflow: auto; border: 1px solid">${form(`<img id="captcha" src="/picture/${label}.jpg">`)}
    <div style="height: 900px"></div></div>`,
  // For the README.
  shop: (label) => `<style>
    body { background: #eef1f6; color: #223; font: 15px/1.5 system-ui, sans-serif; }
    main { max-width: 400px; margin: 60px 0 0 90px; padding: 28px 32px; border-radius: 12px; background: #fff; box-shadow: 0 2px 18px #2233441f; }
    h1 { margin: 0 0 16px; font-size: 22px; } label { display: block; margin-top: 14px; font-weight: 600; }
    input { width: 100%; padding: 8px 10px; border: 1px solid #b8c0cc; border-radius: 6px; font: inherit; } img { display: block; margin-top: 18px; border-radius: 4px; }
    main button { margin-top: 20px; padding: 9px 22px; border: 0; border-radius: 6px; background: #3056d3; color: #fff; font: inherit; font-weight: 600; }
  </style><main><h1>Sign in to Example Shop</h1><label for="name">E-mail</label><input id="name" value="robin@example.org">
  <img id="captcha" alt="Security code" src="/picture/${label}.jpg"><label for="code">Enter the characters you see</label>
  <input id="code" autocomplete="off"><button>Sign in</button></main>`,
  plain: () => "<h1>A page</h1><p>With nothing on it to read but words.</p><p><label>Search <input></label></p>",
  challenge: () => '<div class="g-recaptcha" style="width: 304px; height: 78px; background: #eee">I am not a robot</div>',
  hostile: (label) => `<style>* { display: block; visibility: visible; font-size: 24px !important; color: red !important }
    div, section, button { background: red !important; transform: rotate(5deg) !important }</style>${form(`<img id="captcha" src="/picture/${label}.jpg">`)}`,
};

export class Site {
  sent = 0;

  static async start(folder = FIXTURES) {
    const site = new Site();
    site.pictures = await labelled(folder);
    site.server = createServer((request, response) => site.#answer(request, response));
    await new Promise((listening) => site.server.listen(0, "127.0.0.1", listening));
    site.url = `http://127.0.0.1:${site.server.address().port}`;
    return site;
  }

  async #answer({ url }, response) {
    const [, kind, name = ""] = new URL(url, this.url).pathname.split("/");
    if (kind === "sent") this.sent += 1;
    if (kind === "picture") {
      response.setHeader("Content-Type", "image/jpeg");
      response.end(await readFile(this.pictures.get(name.replace(".jpg", ""))));
      return;
    }
    if (DOCUMENTS[kind]) {
      const [type, text] = DOCUMENTS[kind];
      response.setHeader("Content-Type", type);
      return response.end(text);
    }
    const body = PAGES[kind]?.(name, this.server.address().port);
    response.statusCode = body ? 200 : 404;
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    // A page that trusts nobody, as banks have it.
    response.setHeader("Content-Security-Policy", "default-src 'self' http://localhost:*; script-src 'unsafe-inline'; style-src 'unsafe-inline'");
    response.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>${kind}</title><link rel="icon" href="data:,">
      <style>body { font: 16px sans-serif; padding: 20px }</style>${body ?? "Nothing here"}`);
  }

  end() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

/** Where the captcha is in the window, in CSS pixels, with a margin as by hand. */
export async function captchaBox(page, margin = 4) {
  await page.waitForLoadState("load");
  const frame = page.frames().find((each) => each.parentFrame() !== null);
  const where = frame ?? page.mainFrame();
  await where.waitForSelector("#captcha");
  const box = await where.evaluate(async () => {
    const captcha = document.getElementById("captcha");
    while (captcha.localName === "canvas" && captcha.dataset.ready === undefined) await new Promise(requestAnimationFrame);
    if (captcha.localName === "img") await captcha.decode();
    const { x, y, width, height } = captcha.getBoundingClientRect();
    return { x, y, width, height };
  });
  if (frame) {
    const outer = await page.evaluate(() => {
      const element = document.getElementById("frame");
      const { x, y, width } = element.getBoundingClientRect();
      const scale = width / element.offsetWidth;
      const padding = parseFloat(getComputedStyle(element).paddingLeft);
      return { x: x + (element.clientLeft + padding) * scale, y: y + (element.clientTop + padding) * scale, scale };
    });
    for (const side of Object.keys(box)) box[side] *= outer.scale;
    box.x += outer.x;
    box.y += outer.y;
  }
  return { x: box.x - margin, y: box.y - margin, width: box.width + 2 * margin, height: box.height + 2 * margin };
}
