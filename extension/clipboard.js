// The clipboard, by way of an offscreen document: a service worker has none, and a page on plain HTTP has none either.

const PAGE = "offscreen.html";

let opening;

/** Has the document ready, so that copying need not wait for it. */
export function prepareClipboard() {
  opening ??= open().finally(() => (opening = undefined));
  return opening;
}

async function open() {
  if (await chrome.offscreen.hasDocument()) return;
  await chrome.offscreen.createDocument({
    url: PAGE,
    reasons: ["CLIPBOARD"],
    justification: "Puts the text that was read on the clipboard.",
  });
}

/** Whether the text is on the clipboard now. */
export async function copy(text) {
  try {
    await prepareClipboard();
    return (await chrome.runtime.sendMessage({ to: "clipboard", text })) === true;
  } catch (error) {
    console.error(error);
    return false;
  }
}
