// Copies what the service worker sends. `navigator.clipboard` wants a document with focus, which this one never has.

chrome.runtime.onMessage.addListener((message, sender, answer) => {
  if (message?.to !== "clipboard" || sender.id !== chrome.runtime.id) return;
  const area = document.getElementById("text");
  area.value = message.text;
  area.select();
  answer(document.execCommand("copy"));
  area.value = "";
});
