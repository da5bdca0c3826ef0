// Shows pictures in Chromium, cuts them out of its screenshots, and encodes the cuts again.

import { access, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { extname } from "node:path";

import { html, viewport } from "./page.js";

const BROWSER_TESTS = new URL("../../api/browser-tests/package.json", import.meta.url);
/** Pages that work side by side: while one draws, another decodes or encodes. */
const PAGES = 3;
const TYPES = { ".jpg": "jpeg", ".jpeg": "jpeg", ".png": "png", ".gif": "gif", ".webp": "webp", ".bmp": "bmp" };

/** Chromium, as the page's own tests start it. */
export async function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  await access(executablePath).catch(() => {
    throw new Error(`there is no Chromium at ${executablePath}; install it, or name it in CHROMIUM`);
  });
  let chromium;
  try {
    ({ chromium } = createRequire(BROWSER_TESTS)("playwright-core"));
  } catch {
    throw new Error("playwright-core is not installed; (cd api/browser-tests && npm ci) installs it");
  }
  return chromium
    .launch({
      executablePath,
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // Else the colours of a cut depend on the machine's screen.
        "--force-color-profile=srgb",
      ],
    })
    .catch((error) => {
      throw new Error(`Chromium at ${executablePath} does not start: ${error.message.split("\n")[0]}`);
    });
}

/**
 * Cuts each `{ picture, plan }` and hands `{ bytes, size }` to `keep`, in no order; gives what `keep` gave, in order.
 */
export async function cutAll(work, keep) {
  const browser = await launch();
  try {
    const results = Array(work.length);
    const queue = work.entries();
    const drain = async () => {
      const window = await open(browser);
      // One iterator for all, so each takes the next that nobody has.
      for (const [index, item] of queue) results[index] = await keep(item, await cut(window, item));
    };
    await Promise.all(Array.from({ length: Math.min(PAGES, work.length) }, drain));
    return results;
  } finally {
    await browser.close();
  }
}

async function open(browser) {
  const context = await browser.newContext({ viewport: null });
  const page = await context.newPage();
  return { page, protocol: await context.newCDPSession(page) };
}

async function cut({ page, protocol }, { picture, plan }) {
  const source = `data:image/${TYPES[extname(picture).toLowerCase()]};base64,${await readFile(picture, "base64")}`;
  const size = await page.evaluate(load, source);
  if (!size) throw new Error(`${picture} is no picture that Chromium can read`);
  // A page zoom is a device scale: Chromium multiplies the two and lays out at the product, so devicePixelRatio,
  // snapping to device pixels and resampling are those of a zoomed window. The CSS property `zoom` would scale lengths
  // within an unzoomed page instead, and setPageScaleFactor is the pinch of a touch screen, which resamples after
  // layout.
  const scale = plan.zoom * plan.deviceScale;
  const metrics = { ...viewport(plan, size), deviceScaleFactor: scale, mobile: false };
  await protocol.send("Emulation.setDeviceMetricsOverride", metrics);
  const place = await page.evaluate(show, { markup: html(plan, source, size), scroll: plan.scroll });
  // Whole and cropped after, since a clip is drawn anew in a viewport of its own, and may be resampled.
  const { data } = await protocol.send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true });
  const { left, right, top, bottom } = plan.margins;
  const [x, width] = span(place.left, place.width, left, right, scale);
  const [y, height] = span(place.top, place.height, top, bottom, scale);
  const quality = plan.quality === null ? undefined : plan.quality / 100;
  const encoded = await page.evaluate(encode, { data, x, y, width, height, type: `image/${plan.format}`, quality });
  if (!encoded) throw new Error(`${picture} is too large for its window`);
  return { bytes: Buffer.from(encoded, "base64"), size: [width, height] };
}

/** Where a side of the cut begins and how long it is, in device pixels. */
function span(start, length, before, after, scale) {
  const from = Math.round((start - before * length) * scale);
  return [from, Math.max(1, Math.round((start + length * (1 + after)) * scale) - from)];
}

// What follows runs in the page.

/** Reads the picture, and keeps it for `show`: its size in pixels, or null. */
async function load(source) {
  window.picture = new Image();
  window.picture.src = source;
  return window.picture.decode().then(
    () => ({ width: window.picture.naturalWidth, height: window.picture.naturalHeight }),
    () => null,
  );
}

/** Shows the page, and gives where it has the picture, in CSS pixels of the window, once it is drawn. */
async function show({ markup, scroll }) {
  document.documentElement.innerHTML = markup;
  const element = document.getElementById("captcha");
  if (element instanceof HTMLCanvasElement) element.getContext("2d").drawImage(window.picture, 0, 0);
  if (element instanceof HTMLImageElement) await element.decode();
  // Images of a background come with no event; the same addresses loaded here are ready when these are.
  const grounds = [document.documentElement, element].map((each) => getComputedStyle(each).backgroundImage);
  const urls = grounds.flatMap((ground) => [...ground.matchAll(/url\("(.*?)"\)/g)].map(([, url]) => url));
  await Promise.all(
    urls.map((url) => {
      const image = new Image();
      image.src = url;
      return image.decode();
    }),
  );
  window.scrollTo(0, scroll);
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const inset = (side) => parseFloat(style[`border${side}Width`]) + parseFloat(style[`padding${side}`]);
  return {
    left: box.left + inset("Left"),
    top: box.top + inset("Top"),
    width: box.width - inset("Left") - inset("Right"),
    height: box.height - inset("Top") - inset("Bottom"),
  };
}

/** The cut as a file in base64; null where it does not lie within the screenshot. */
async function encode({ data, x, y, width, height, type, quality }) {
  const screenshot = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
  if (x < 0 || y < 0 || x + width > screenshot.width || y + height > screenshot.height) return null;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").drawImage(screenshot, -x, -y);
  screenshot.close();
  const blob = await canvas.convertToBlob({ type, quality });
  const reader = new FileReader();
  await new Promise((read) => {
    reader.onload = read;
    reader.readAsDataURL(blob);
  });
  return reader.result.slice(reader.result.indexOf(",") + 1);
}
