// Light or dark, where somebody wants it otherwise than the system has it. No module: it runs before anything is drawn.

{
  const NAME = "byecaptcha-colours";
  const root = document.documentElement;
  // Storage throws where the browser blocks it.
  const stored = () => {
    try {
      return localStorage.getItem(NAME) ?? "";
    } catch {
      return "";
    }
  };
  const apply = (choice) => (root.dataset.colours = choice);
  apply(stored());
  addEventListener("DOMContentLoaded", () => {
    const choice = document.getElementById("colours");
    choice.value = stored();
    choice.addEventListener("change", () => {
      apply(choice.value);
      try {
        localStorage.setItem(NAME, choice.value);
      } catch {
        // Then it is for this visit.
      }
    });
  });
}
