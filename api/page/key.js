// The API key, where the service asks for one: asked of the person, kept in this browser, and sent to this service alone.

import { refusedKey } from "./words.js";

const NAME = "byecaptcha-key";

const $ = (id) => document.getElementById(id);
// What the page itself knows, where the browser keeps nothing.
let current = stored("sessionStorage") || stored("localStorage");

// By its name: where the browser blocks storage, the mere mention of it throws.
function stored(storage) {
  try {
    return window[storage].getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

function store(storage, key) {
  try {
    if (key) window[storage].setItem(NAME, key);
    else window[storage].removeItem(NAME);
  } catch {
    // Then it is for as long as the page is open.
  }
}

/** The header that shows the key; none where there is no key. */
export function authorization() {
  return current ? { Authorization: `Bearer ${current}` } : {};
}

/** Shows the form, with what is wrong with the key that there is. */
export function askForKey(words) {
  $("access").hidden = false;
  $("key-form").hidden = false;
  $("key-kept").hidden = true;
  report(words ?? "");
}

/** Asks for a key where one is needed, and calls `onKey` once there is one that the service takes. */
export function listenForKey(onKey) {
  $("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = $("key").value.trim();
    report("Asking the service");
    // A second answer would send what waits for a key a second time.
    const button = $("use-key");
    const focused = button === document.activeElement;
    button.disabled = true;
    const words = await tested(key);
    button.disabled = false;
    if (words && focused) button.focus();
    if (words) return report(words);
    current = key;
    store("sessionStorage", $("keep-key").checked ? "" : key);
    store("localStorage", $("keep-key").checked ? key : "");
    $("key").value = "";
    showKept();
    onKey();
  });
  $("forget-key").addEventListener("click", () => {
    current = "";
    store("sessionStorage", "");
    store("localStorage", "");
    askForKey("The key is forgotten.");
    $("key").focus();
  });
  ask();
}

/** At the start: whether a key is needed, and whether the one that is kept still opens the service. */
async function ask() {
  const words = await tested(current);
  if (words) return askForKey(words);
  if (current) showKept();
}

function showKept() {
  $("access").hidden = false;
  $("key-form").hidden = true;
  $("key-kept").hidden = false;
  report(stored("localStorage") ? "An API key is kept in this browser." : "An API key is kept until this tab is closed.");
}

/** What is wrong with a key, in words; nothing where it opens the service, or the service does not say. */
async function tested(key) {
  const headers = key ? { Authorization: `Bearer ${key}` } : {};
  // A header of other characters is none, and could not be sent.
  if (!/^[\x21-\x7e]*$/.test(key)) return refusedKey(401, key);
  try {
    const { status } = await fetch("/v1/models", { headers, cache: "no-store" });
    return status === 401 || status === 403 ? refusedKey(status, key) : undefined;
  } catch {
    // Sending a picture will say that the service is away.
    return undefined;
  }
}

export function hasKey() {
  return current !== "";
}

function report(words) {
  $("key-report").textContent = words;
}
