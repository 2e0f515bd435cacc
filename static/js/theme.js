// Light or dark: the system's choice, or the reader's own, which this browser remembers.
(() => {
  "use strict";
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function remembered() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage may be forbidden: then the system decides
    }
  }

  function current() {
    return root.dataset.theme || (system.matches ? "dark" : "light");
  }

  function announce() {
    const button = document.getElementById("theme-switch");
    if (button) {
      const other = current() === "dark" ? "Light" : "Dark";
      button.textContent = other;
      button.setAttribute("aria-label", `${other} theme`);
      button.hidden = false;
    }
    document.dispatchEvent(new CustomEvent("themechange", { detail: current() }));
  }

  const chosen = remembered();
  if (chosen === "light" || chosen === "dark") {
    root.dataset.theme = chosen;
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.getElementById("theme-switch").addEventListener("click", () => {
      root.dataset.theme = current() === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("theme", root.dataset.theme);
      } catch {
        // The choice then lasts for this page only.
      }
      announce();
    });
    announce();
  });
  system.addEventListener("change", announce);
})();
