// What is kept in this browser: the settings, and where the last frame was.

export const DEFAULTS = {
  server: "http://127.0.0.1:8080",
  key: "",
  model: "",
  clipboard: true,
  language: "auto",
};

// Not `sync`: a key is not to travel to other machines by way of an account.
const store = chrome.storage.local;

export async function load() {
  const { settings = {} } = await store.get("settings");
  return { ...DEFAULTS, ...settings };
}

export async function save(changes) {
  const settings = { ...(await load()), ...changes };
  await store.set({ settings });
  return settings;
}

/** The last frame, `{ x, y, width, height }` in the page's own coordinates, or nothing. */
export async function lastArea() {
  return (await store.get("area")).area;
}

export function keepArea(area) {
  return store.set({ area });
}

/** The address as it is kept, or nothing where it is none: http or https, without what only one request would have. */
export function address(text) {
  const typed = text.trim();
  // Whoever leaves the scheme out means this machine or their own network.
  const url = URL.parse(typed.includes("://") ? typed : `http://${typed}`);
  if (!url || !/^https?:$/.test(url.protocol) || !url.hostname || url.username || url.password) return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** What is asked of the browser for this server: its origin and no other. */
export function permission(server) {
  const { protocol, host } = new URL(server);
  return { origins: [`${protocol}//${host}/*`] };
}

/** Whether pictures and key travel in the clear over more than this machine. */
export function unencrypted(server) {
  const { protocol, hostname } = new URL(server);
  return protocol === "http:" && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}
