// What the page says to whoever does not look, and the short notes at its lower edge.

const spoken = document.getElementById("spoken");
const message = document.getElementById("message");

/** For screen readers alone. */
export function say(words) {
  spoken.textContent = "";
  // Saying the same words twice in a row needs a change in between.
  setTimeout(() => (spoken.textContent = words), 50);
}

let hiding;

/** For everybody, gone after a while. */
export function showMessage(words) {
  message.textContent = words;
  message.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (message.hidden = true), 6000);
  say(words);
}
