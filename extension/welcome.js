// The first page: from a started server to the first captcha.

import { connect } from "./connection.js";
import { attempt, report, shortcut, translate } from "./document.js";
import { address, load } from "./settings.js";
import { say } from "./words.js";

const $ = (id) => document.getElementById(id);
const words = await translate({ shortcut: (await shortcut()) ?? "Ctrl+Shift+Y" });
// Asked for before the click, which the browser's question has to follow at once.
let kept = await load();
$("address").value = kept.server;

// The options may be open beside this page, and a key be given there.
chrome.storage.local.onChanged.addListener(async () => (kept = await load()));

$("server").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt($("connect"), $("report"), words, async () => {
    const typed = $("address").value;
    // A key is for the server that it was given for.
    const key = address(typed) === kept.server ? kept.key : "";
    const { text, milliseconds } = await connect(typed, key);
    report($("report"), say(words.connected, { text, milliseconds }));
  });
});

document.body.dataset.ready = "";
