// The colour theme: the system's, or the reader's own choice. Not a module, so
// that it is set before the first paint.
(() => {
  const KEY = "chalkline.theme";
  const NEXT = { system: "light", light: "dark", dark: "system" };
  const LABEL = { system: ["◐", " Auto"], light: ["☀", " Light"], dark: ["☾", " Dark"] };
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  function apply(choice) {
    root.dataset.scheme = choice === "system" ? (system.matches ? "dark" : "light") : choice;
    const button = document.getElementById("theme-button");
    if (button) {
      const word = Object.assign(document.createElement("span"), { className: "word", textContent: LABEL[choice][1] });
      button.replaceChildren(LABEL[choice][0], word);
      button.setAttribute("aria-label", `Colour theme: ${choice}. Change it`);
    }
    // Canvases cannot follow CSS by themselves.
    document.dispatchEvent(new Event("themechange"));
  }

  const stored = () => localStorage.getItem(KEY) in NEXT ? localStorage.getItem(KEY) : "system";
  apply(stored());
  addEventListener("DOMContentLoaded", () => {
    apply(stored());
    document.getElementById("theme-button").addEventListener("click", () => {
      localStorage.setItem(KEY, NEXT[stored()]);
      apply(stored());
    });
  });
  system.addEventListener("change", () => apply(stored()));
})();
