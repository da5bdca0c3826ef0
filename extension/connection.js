// Connecting to a server: the browser's permission for its address, and whether it reads.

import { hasEnded, models, pictureTrouble, submit } from "./service.js";
import { address, load, permission, save } from "./settings.js";
import { Trouble } from "./trouble.js";

/**
 * Asks for the permission, keeps address and key, and has a sample read. To be called on a click, without a wait before:
 * the browser shows its question only then. Gives `{ settings, models, text, milliseconds }`.
 */
export async function connect(typed, key) {
  const server = address(typed);
  if (!server) throw new Trouble("badAddress");
  if (!(await chrome.permissions.request(permission(server)))) throw new Trouble("declined");
  const before = await load();
  // Another server may not have the model that was chosen from this one.
  const settings = await save({ server, key: key.trim(), ...(before.server === server ? {} : { model: "" }) });
  const former = permission(before.server);
  if (former.origins[0] !== permission(server).origins[0]) await chrome.permissions.remove(former).catch(() => {});
  const list = await models(settings);
  const sample = await (await fetch(chrome.runtime.getURL("sample.jpg"))).blob();
  const begun = performance.now();
  const { record } = await submit(settings, sample, crypto.randomUUID());
  const milliseconds = Math.round(performance.now() - begun);
  if (!hasEnded(record)) throw new Trouble("stillBusy");
  if (record.status !== "succeeded") throw pictureTrouble(record.error?.kind, record.error?.detail ?? "", "unread");
  return { settings, models: list, text: record.result.text, milliseconds };
}
