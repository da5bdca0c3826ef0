// From a place on a page to a picture: captures what the tab shows and cuts out the part.

import { Trouble } from "./trouble.js";

// Chrome allows two captures a second and refuses more.
const QUOTA_PAUSE_MS = 600;
// No captcha needs more pixels than this; servers take a few thousand from side to side.
const MOST = { width: 2048, height: 1024 };

/**
 * The marked area of the tab as a PNG. `area` is in CSS pixels of what the window shows, and `view` is the size of that
 * in the same pixels.
 */
export async function capture({ id }, area, view) {
  const tab = await chrome.tabs.get(id).catch(() => null);
  if (!tab) throw new Trouble("gone");
  if (!tab.active) throw new Trouble("hidden");
  const screenshot = await (await fetch(await visible(tab.windowId))).blob();
  const bitmap = await createImageBitmap(screenshot);
  // Measured, not taken from devicePixelRatio: with a page zoom or a fractional screen that says something else.
  const { x, y, width, height } = pixels(area, bitmap.width / view.width, bitmap.height / view.height, bitmap);
  const shrink = Math.min(1, MOST.width / width, MOST.height / height);
  const canvas = new OffscreenCanvas(Math.ceil(width * shrink), Math.ceil(height * shrink));
  canvas.getContext("2d").drawImage(bitmap, x, y, width, height, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/png" });
}

/** The whole pixels that an area covers, inside the bitmap. */
export function pixels(area, across, down, { width, height }) {
  const clamp = (value, most) => Math.min(Math.max(Math.round(value), 0), most);
  const x = clamp(area.x * across, width - 1);
  const y = clamp(area.y * down, height - 1);
  return {
    x,
    y,
    width: Math.max(1, clamp((area.x + area.width) * across, width) - x),
    height: Math.max(1, clamp((area.y + area.height) * down, height) - y),
  };
}

async function visible(windowId, tries = 3) {
  try {
    return await chrome.tabs.captureVisibleTab(windowId, { format: "png" });
  } catch (error) {
    const { message } = error;
    if (/QUOTA|MAX_CAPTURE/.test(message) && tries > 1) {
      await new Promise((over) => setTimeout(over, QUOTA_PAUSE_MS));
      return visible(windowId, tries - 1);
    }
    // The permission that a click gives ends when the tab goes elsewhere.
    if (/activeTab|<all_urls>/.test(message)) throw new Trouble("gone");
    throw new Trouble("blank");
  }
}
