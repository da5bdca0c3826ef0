// The ways in: picked, photographed, dropped, pasted. Each ends in a list of files.

import { showMessage } from "./speech.js";

const NOTHING_TO_PASTE = "There is no picture on the clipboard.";

/** Calls `onFiles(files, nameOf)` for all that is handed over; `nameOf` gives a file's name for people. */
export function listen(onFiles) {
  const picker = document.getElementById("picker");
  for (const input of [picker, document.getElementById("camera")]) {
    input.addEventListener("change", () => {
      onFiles([...input.files], nameOf);
      // The same file may be picked again.
      input.value = "";
    });
  }
  // The label does it for its own words; the empty space around it should do the same.
  document.getElementById("drop").addEventListener("click", ({ target }) => {
    if (!target.closest("label, button")) picker.click();
  });
  if (/^(Mac|iP)/.test(navigator.platform)) document.getElementById("paste-key").textContent = "⌘";
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) {
      // Text that is pasted into a field is for the field.
      if (!event.target.matches?.(":read-write")) showMessage(NOTHING_TO_PASTE);
      return;
    }
    event.preventDefault();
    onFiles(files, nameOf);
  });
  offerClipboard(onFiles);
  takeDrops(onFiles);
}

function nameOf(file) {
  // A copied picture is given the same name by the browser each time.
  return /^image\.\w+$/.test(file.name) ? "Pasted picture" : file.name;
}

/** A button for pasting, for whoever has no Ctrl key, where the browser lets a page read the clipboard. */
function offerClipboard(onFiles) {
  if (!navigator.clipboard?.read) return;
  const button = document.getElementById("paste");
  button.hidden = false;
  button.addEventListener("click", async () => {
    let items;
    try {
      items = await navigator.clipboard.read();
    } catch {
      return showMessage("The browser does not let this page read the clipboard. Use the keyboard or the menu to paste.");
    }
    const pictures = items
      .map((item) => [item, item.types.find((type) => type.startsWith("image/"))])
      .filter(([, type]) => type);
    if (pictures.length === 0) return showMessage(NOTHING_TO_PASTE);
    const blobs = await Promise.all(pictures.map(([item, type]) => item.getType(type)));
    onFiles(blobs.map((blob) => new File([blob], "image.png", { type: blob.type })), nameOf);
  });
}

function takeDrops(onFiles) {
  const dragging = (yes) => document.body.classList.toggle("dragging", yes);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    dragging(true);
  });
  document.addEventListener("dragleave", (event) => {
    // Leaving one element for another is not leaving the page.
    if (event.relatedTarget === null) dragging(false);
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    dragging(false);
    const unopened = [];
    const files = await dropped(event.dataTransfer, unopened);
    if (files.length > 0) onFiles(files, nameOf);
    if (unopened.length > 0) return showMessage(`Cannot be opened: ${unopened.join(", ")}.`);
    if (files.length === 0) showMessage("There was no file in that. Save the picture first, or copy and paste it.");
  });
}

/** The dropped files, with what is in dropped folders; the names of what cannot be opened come to `unopened`. */
async function dropped({ items, files }, unopened) {
  // Both lists are empty once this function has waited for anything.
  const entries = [...items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.map((entry, index) => (entry?.isDirectory ? inside(entry, unopened) : plain[index])));
  return found.flat().filter(Boolean);
}

/** All files below a folder, in the order of their names, but for the hidden ones that systems put there. */
async function inside(folder, unopened) {
  const reader = folder.createReader();
  const entries = [];
  try {
    for (;;) {
      // A reader gives some at a time and an empty list at the end.
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) break;
      entries.push(...some);
    }
    entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
    const visible = entries.filter(({ name }) => !name.startsWith("."));
    const one = (entry) =>
      new Promise((resolve, reject) => entry.file(resolve, reject)).catch(() => {
        unopened.push(entry.name);
        return [];
      });
    const found = await Promise.all(visible.map((entry) => (entry.isDirectory ? inside(entry, unopened) : one(entry))));
    return found.flat();
  } catch {
    unopened.push(folder.name);
    return [];
  }
}
