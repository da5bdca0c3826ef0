// The service worker: clicks come in here and pages speak to it. It may be stopped between any two events, so whatever
// has to outlast one is in storage.

import { copy, prepareClipboard } from "./clipboard.js";
import { read, resume, forget, sweep } from "./readings.js";
import { correct } from "./service.js";
import { keepArea, lastArea, load, permission } from "./settings.js";
import { troubleFrom } from "./trouble.js";
import { wordsFor } from "./words.js";

const MENU = "read-image";
// In the order in which they build on each other; page.js wires them.
const PAGE_SCRIPTS = ["look.js", "mount.js", "geometry.js", "field.js", "candidates.js", "overlay.js", "toast.js", "page.js"];

chrome.action.onClicked.addListener((tab) => start(tab));

chrome.contextMenus.onClicked.addListener((info, tab) => start(tab, info.srcUrl ?? ""));

chrome.runtime.onInstalled.addListener(async ({ reason }) => {
  await nameMenu();
  if (reason === "install") await chrome.tabs.create({ url: "welcome.html" });
});

chrome.storage.local.onChanged.addListener(({ settings }) => {
  if (settings && settings.newValue?.language !== settings.oldValue?.language) nameMenu();
});

chrome.runtime.onConnect.addListener((port) => {
  if (port.sender?.id !== chrome.runtime.id || !port.sender.tab) return;
  const readings = new Set();
  port.onMessage.addListener((message) => {
    if (message.kind === "read" || message.kind === "resume") readings.add(message.id);
    serve(message, port);
  });
  // The page is gone. Where this worker is the one that goes, this is not called, and the page comes back.
  port.onDisconnect.addListener(() => readings.forEach(forget));
});

// The pages' side of the extension reads no settings, and a page that has taken over its process is not to, either.
chrome.storage.local.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });

sweep();

/** Opens the overlay on the tab, or has the picture with that address read. */
async function start(tab, image) {
  const { server, language } = await load();
  if (!(await chrome.permissions.contains(permission(server)))) {
    await chrome.tabs.create({ url: "welcome.html" });
    return;
  }
  try {
    const target = { tabId: tab.id };
    if (!(await isPage(target))) return await refuse(tab, "noPage");
    await inject(target);
    const setting = { words: wordsFor(language), area: await lastArea(), image };
    await chrome.scripting.executeScript({ target, func: (setting) => byecaptcha.open(setting), args: [setting] });
  } catch (error) {
    console.warn(error);
    await refuse(tab, "blank");
    return;
  }
  await prepareClipboard();
}

/** Whether what the tab shows can have the overlay in it: HTML, as pages and the browser's own views of pictures and texts are. */
async function isPage(target) {
  const func = () => document.documentElement instanceof HTMLElement;
  const [{ result }] = await chrome.scripting.executeScript({ target, func });
  return result === true;
}

const injecting = new Map();

/** Has the page's scripts there once, however fast the clicks come. */
function inject(target) {
  const { tabId } = target;
  if (!injecting.has(tabId)) {
    const done = (async () => {
      const func = () => globalThis.byecaptcha?.open !== undefined && chrome.runtime?.id !== undefined;
      const [{ result: there }] = await chrome.scripting.executeScript({ target, func });
      if (!there) await chrome.scripting.executeScript({ target, files: PAGE_SCRIPTS });
    })();
    injecting.set(tabId, done.finally(() => injecting.delete(tabId)));
  }
  return injecting.get(tabId);
}

/** Says why this page is not read, by the name of the words, in the one place where that can be said: beside the icon. */
async function refuse(tab, words) {
  const popup = `notice.html?${words}`;
  await chrome.action.setPopup({ tabId: tab.id, popup });
  try {
    await chrome.action.openPopup({ windowId: tab.windowId });
  } catch {
    // Some windows have no toolbar to show it at.
    await chrome.windows.create({ type: "popup", url: popup, width: 420, height: 220 });
  } finally {
    // The next click is to be told to this worker again.
    await chrome.action.setPopup({ tabId: tab.id, popup: "" });
  }
}

/** One message of a page. */
async function serve(message, port) {
  const tell = (answer) => {
    try {
      port.postMessage(answer);
    } catch {
      // The page is gone. What was asked for is done all the same.
    }
  };
  const { kind, id } = message;
  switch (kind) {
    case "read":
      await Promise.all([read(id, port.sender.tab, message.area, message.view, tell), keepArea(message.place)]);
      break;
    case "resume":
      await resume(id, tell);
      break;
    case "forget":
      await forget(id);
      break;
    case "copy":
      tell({ kind: "copied", id, copied: await copy(message.text) });
      break;
    case "correct":
      try {
        const settings = await load();
        await correct(settings, message.job, message.text);
        tell({ kind: "corrected", id, text: message.text, copy: settings.clipboard });
      } catch (error) {
        const { kind, values, settings } = troubleFrom(error);
        tell({ kind: "uncorrected", id, trouble: { kind, values, settings } });
      }
      break;
    case "settings":
      await chrome.runtime.openOptionsPage();
  }
}

async function nameMenu() {
  const { language } = await load();
  await chrome.contextMenus.removeAll();
  chrome.contextMenus.create({ id: MENU, contexts: ["image"], title: wordsFor(language).menu });
}
