// The options page. Server and key are kept with the button that tests them, everything else as it is chosen.

import { connect } from "./connection.js";
import { attempt, report, shortcut, translate } from "./document.js";
import { models } from "./service.js";
import { address, load, permission, save, unencrypted } from "./settings.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
let words;
// Server and key as they were kept last.
let kept;
// The origin that the key in its field is for; none where it was typed before any address.
let keyFor;

async function show() {
  words = await translate();
  const settings = await load();
  kept = settings;
  keyFor = originOf(settings.server);
  $("address").value = settings.server;
  $("key").value = settings.key;
  $("clipboard").checked = settings.clipboard;
  $("language").value = settings.language;
  offer([], settings.model);
  await showWords();
  warn();
  if (!(await chrome.permissions.contains(permission(settings.server)))) return;
  await models(settings).then((list) => offer(list, settings.model), () => {});
}

async function showWords() {
  $("keys").textContent = (await shortcut()) ?? words.shortcutNone;
  const paragraph = (text) => Object.assign(document.createElement("p"), { textContent: text });
  $("privacy-text").replaceChildren(...words.privacyText.map(paragraph));
}

/** The models to choose from; the chosen one even where the server does not say so now. */
function offer(list, chosen) {
  const names = new Set([...list.map(({ name }) => name), ...(chosen ? [chosen] : [])]);
  const [own] = $("model").options;
  $("model").replaceChildren(own, ...[...names].map((name) => new Option(name, name)));
  $("model").value = chosen;
}

function warn() {
  const server = address($("address").value);
  $("unencrypted").hidden = !server || !unencrypted(server);
}

const originOf = (server) => server && new URL(server).origin;

/** A key goes to the server that it was typed for, and is back with its address. */
function guardKey() {
  const origin = originOf(address($("address").value));
  if (!origin) return;
  if (keyFor && keyFor !== origin) $("key").value = origin === originOf(kept.server) ? kept.key : "";
  keyFor = origin;
}

$("server").addEventListener("submit", (event) => {
  event.preventDefault();
  guardKey();
  attempt($("connect"), $("report"), words, async () => {
    const { settings, models, text, milliseconds } = await connect($("address").value, $("key").value);
    $("address").value = settings.server;
    offer(models, settings.model);
    report($("report"), say(words.connected, { text, milliseconds }));
  });
});

$("address").addEventListener("input", warn);

$("address").addEventListener("change", guardKey);

$("key").addEventListener("input", () => (keyFor = originOf(address($("address").value))));

// Connecting keeps server and key before it tests them, and the first page may do so beside this one.
chrome.storage.local.onChanged.addListener(async () => (kept = await load()));

$("show").addEventListener("click", () => {
  const shown = $("key").type === "password";
  $("key").type = shown ? "text" : "password";
  $("show").setAttribute("aria-pressed", String(shown));
});

for (const [id, value] of [["model", "value"], ["clipboard", "checked"], ["language", "value"]]) {
  $(id).addEventListener("change", async ({ target }) => {
    await save({ [id]: target[value] });
    if (id === "language") {
      words = await translate();
      await showWords();
    }
    report($("saved"), words.saved);
  });
}

// An address that only the browser's own interface may link to.
$("change").addEventListener("click", () => chrome.tabs.create({ url: "chrome://extensions/shortcuts" }));

await show();
document.body.dataset.ready = "";
