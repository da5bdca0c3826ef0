// What was read in this visit, so that a reload or a way back loses none of it. It is gone with the tab.

const NAME = "byecaptcha-history";
// Pixels from side to side in what is kept of a picture, and how many are kept: storage takes five megabytes.
const WIDTH = 320;
const MOST = 100;

/** All that was read, in the order of the list: `{ name, job, result, picture }`. */
export function recall() {
  try {
    const entries = JSON.parse(sessionStorage.getItem(NAME) ?? "[]");
    return Array.isArray(entries) ? entries : [];
  } catch {
    return [];
  }
}

/**
 * Adds a reading; `image` is the element that shows its picture. `list()` gives the jobs as they are listed by then, which is
 * the order that is kept: pictures end in another one than they were handed over. Of what is not listed nothing is kept.
 */
export async function remember({ name, job, result }, image, list) {
  // It may not be drawn yet, or be of a kind that this browser does not draw.
  await image?.decode().catch(() => {});
  // It may have been removed meanwhile.
  const jobs = list();
  if (!jobs.includes(job)) return;
  const entries = [{ name, job, result, picture: thumbnail(image) }, ...recall().filter((entry) => entry.job !== job)];
  const place = (entry) => jobs.indexOf(entry.job);
  keep(entries.filter((entry) => place(entry) >= 0).sort((one, other) => place(one) - place(other)).slice(0, MOST));
}

export function forget(job) {
  keep(recall().filter((entry) => entry.job !== job));
}

export function forgetAll() {
  keep([]);
}

function keep(entries) {
  // The oldest go where there is no room for all.
  for (let kept = entries; ; kept = kept.slice(0, Math.floor(kept.length / 2))) {
    try {
      return sessionStorage.setItem(NAME, JSON.stringify(kept));
    } catch {
      if (kept.length === 0) return;
    }
  }
}

/** The picture as a data: URL, made smaller; nothing where the browser cannot show it. */
function thumbnail(image) {
  if (!image?.naturalWidth) return null;
  const scale = Math.min(1, WIDTH / image.naturalWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", 0.9);
}
