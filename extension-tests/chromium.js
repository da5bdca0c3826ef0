// Chromium with the extension in it, as it ships, and what a person does with it.

import { createRequire } from "node:module";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { FLAGS } from "../api/browser-tests/flags.js";

const { chromium } = createRequire(new URL("../api/browser-tests/package.json", import.meta.url))("playwright-core");

export const EXTENSION = join(import.meta.dirname, "../extension");
// Any port: every test's server has one of its own.
const ALLOWED = ["http://127.0.0.1/*"];

export class Browser {
  #profile;

  /** `allowed` is whether the person has let the extension reach 127.0.0.1. */
  static async start({ scale = 1, allowed = true, args = [] } = {}) {
    const browser = new Browser();
    browser.#profile = await mkdtemp(join(tmpdir(), "byecaptcha-extension-"));
    const flags = [...args, `--force-device-scale-factor=${scale}`];
    await browser.#launch(flags);
    if (allowed) {
      await browser.context.close();
      await browser.#allow();
      await browser.#launch(flags);
    }
    // What installing opened is not what tests are about.
    await Promise.all(browser.context.pages().slice(1).map((page) => page.close()));
    return browser;
  }

  async #launch(args) {
    this.context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      headless: false,
      viewport: null,
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [
        ...FLAGS,
        "--force-color-profile=srgb",
        "--window-size=1200,900",
        "--lang=en-GB",
        `--load-extension=${EXTENSION}`,
        "--enable-unsafe-extension-debugging",
        ...args,
      ],
    });
    this.context.setDefaultTimeout(30_000);
    this.session = await this.context.browser().newBrowserCDPSession();
    const { url } = await this.worker();
    this.id = new URL(url).host;
  }

  /** As if the person had pressed "Allow": nobody can press it in a browser without a screen. */
  async #allow() {
    const path = join(this.#profile, "Default/Preferences");
    const preferences = JSON.parse(await readFile(path, "utf8"));
    const extension = preferences.extensions.settings[this.id];
    for (const kind of ["active_permissions", "granted_permissions", "runtime_granted_permissions"]) {
      extension[kind] = { api: [], manifest_permissions: [], scriptable_host: [], ...extension[kind], explicit_host: ALLOWED };
    }
    await writeFile(path, JSON.stringify(preferences));
  }

  async end() {
    await this.context?.close();
    await rm(this.#profile, { recursive: true, force: true });
  }

  /** The running service worker; a new one after it was stopped. */
  async worker() {
    const running = () => this.context.serviceWorkers().at(-1);
    const worker = running() ?? (await this.context.waitForEvent("serviceworker"));
    return { url: worker.url(), evaluate: (...all) => worker.evaluate(...all) };
  }

  async inWorker(work, argument) {
    return (await this.worker()).evaluate(work, argument);
  }

  /** Settings as the options page would keep them. */
  settings(settings) {
    return this.inWorker((settings) => chrome.storage.local.set({ settings }), settings);
  }

  /** What the popup beside the icon says, which is no page to the driver; undefined where there is none. */
  async popup() {
    const { targetInfos } = await this.session.send("Target.getTargets");
    const target = targetInfos.find(({ url }) => url.startsWith(`chrome-extension://${this.id}/notice.html`));
    if (!target) return undefined;
    const { sessionId } = await this.session.send("Target.attachToTarget", { targetId: target.targetId });
    const answer = new Promise((received) => this.session.once("Target.receivedMessageFromTarget", received));
    const params = { expression: "document.body.innerText.trim()" };
    const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params });
    await this.session.send("Target.sendMessageToTarget", { sessionId, message });
    return JSON.parse((await answer).message).result.result.value;
  }

  /** Kills the service worker, as Chrome does with one that idles. */
  async stopWorker() {
    const { targetInfos } = await this.session.send("Target.getTargets");
    const target = targetInfos.find(({ type, url }) => type === "service_worker" && url.includes(this.id));
    await this.session.send("Target.closeTarget", { targetId: target.targetId });
  }

  async open(url) {
    const page = await this.context.newPage();
    await page.goto(url);
    return page;
  }

  /** A click on the extension's icon, for this page. */
  async clickIcon(page) {
    await page.bringToFront();
    const { targetInfos } = await this.session.send("Target.getTargets", { filter: [{ type: "tab" }] });
    const tab = targetInfos.find(({ url }) => url === page.url());
    await this.session.send("Extensions.triggerAction", { id: this.id, targetId: tab.targetId });
  }

  /** The menu entry on a picture. The menu itself is the system's, so its event is what is made. */
  async chooseFromMenu(page, srcUrl) {
    const tab = await this.#tab(page);
    await this.inWorker(([tab, srcUrl]) => chrome.contextMenus.onClicked.dispatch({ menuItemId: "read-image", srcUrl }, tab), [tab, srcUrl]);
  }

  /** Page zoom, as by the browser's menu. */
  async zoom(page, factor) {
    const { id } = await this.#tab(page);
    const before = await page.evaluate(() => devicePixelRatio);
    const was = await this.inWorker((id) => chrome.tabs.getZoom(id), id);
    await this.inWorker(([id, factor]) => chrome.tabs.setZoom(id, factor), [id, factor]);
    if (Math.abs(was - factor) > 0.01) await page.waitForFunction((before) => devicePixelRatio !== before, before);
  }

  async #tab(page) {
    await page.bringToFront();
    const [tab] = await this.inWorker(() => chrome.tabs.query({ active: true, lastFocusedWindow: true }));
    return tab;
  }

  /** What the extension shows in the page; its shadow root is closed to all but its own scripts. */
  async shown(page) {
    const tab = await this.#tab(page);
    return this.inWorker(async (tabId) => {
      const func = () => {
        const host = [...(globalThis.byecaptcha?.roots?.() ?? [document])].map((root) => root.querySelector("byecaptcha-overlay")).find(Boolean);
        const root = host && chrome.dom.openOrClosedShadowRoot(host);
        const one = (selector) => root?.querySelector(selector) ?? null;
        const text = (selector) => one(selector)?.textContent ?? null;
        const box = (element) => {
          const { x, y, width, height } = element.getBoundingClientRect();
          return { x, y, width, height };
        };
        const hit = ({ x, y, width, height }) => host.getRootNode().elementFromPoint(x + width / 2, y + height / 2) === host;
        return {
          // On top, where it is seen and can be used.
          onTop: Boolean(one(".overlay, .toast")) && hit(box(one(".overlay, .toast"))),
          overlay: one(".overlay") !== null,
          toast: one(".toast") !== null,
          place: one(".toast, .bar") && box(one(".toast, .bar")),
          hint: text(".hint"),
          frame: one(".frame:not([hidden])") && box(one(".frame")),
          spoken: text(".overlay [role=status]"),
          reading: text(".reading"),
          text: text(".text"),
          doubts: text(".doubts"),
          state: text(".state"),
          trouble: text(".trouble"),
          buttons: [...(root?.querySelectorAll("button:not([hidden])") ?? [])].map((button) => ({
            words: button.textContent,
            disabled: button.disabled,
            ...box(button),
          })),
        };
      };
      const [{ result }] = await chrome.scripting.executeScript({ target: { tabId }, func });
      return result;
    }, tab.id);
  }

  /** What is shown once it is as `wanted` says. */
  async until(page, wanted, what = String(wanted)) {
    const end = Date.now() + 30_000;
    let shown;
    while (Date.now() < end) {
      // The click's permission comes a moment after the click, and the worker may be starting.
      shown = await this.shown(page).catch((error) => ({ error: String(error) }));
      if (!shown.error && wanted(shown)) return shown;
      await new Promise((over) => setTimeout(over, 40));
    }
    throw new Error(`not shown: ${what}; but ${JSON.stringify(shown)}`);
  }

  /** Clicks one of the extension's buttons in the page. */
  async press(page, words) {
    const named = ({ buttons }) => buttons.find((button) => button.words === words);
    const { x, y, width, height } = named(await this.until(page, named, `a button ${words}`));
    await page.mouse.click(x + width / 2, y + height / 2);
  }

  /** Drags over an area in CSS pixels of the window. */
  async drag(page, { x, y, width, height }) {
    await this.#arrive(page, x, y);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.move(x + width, y + height);
    await page.mouse.up();
  }

  /** Moves the mouse until it is on the overlay, which is all that the page sees of it. A frame of another site, in a process of its own, goes on getting what is meant for
   * the overlay above it until the overlay is on the screen. */
  async #arrive(page, x, y) {
    const end = Date.now() + 30_000;
    while (Date.now() < end) {
      await page.mouse.move(x - 1, y - 1);
      await page.mouse.move(x, y);
      if (await page.evaluate(() => {
        // The site's dialog in a shadow root has the overlay in it.
        const host = document.querySelector("byecaptcha-overlay") ?? window.inside?.querySelector("byecaptcha-overlay");
        return host?.matches(":hover");
      })) return;
      await new Promise((over) => setTimeout(over, 40));
    }
    throw new Error(`no move at ${x}, ${y} came to the page`);
  }
}
