// Copies an address or a citation, and says aloud what a table shows when another one takes its place.
(() => {
  "use strict";
  const status = document.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");

  function prepare(root) {
    for (const button of root.querySelectorAll("button[data-copy]")) {
      button.hidden = !navigator.clipboard; // there is none where the page did not come safely
    }
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    const said = button.textContent;
    button.textContent = "Copied";
    status.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) {
      copy(button);
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const view = document.getElementById("view") ?? document.body;
    prepare(view);
    const caption = view.querySelector("caption, .empty");
    status.textContent = caption ? caption.textContent : "";
  });
  // On a narrow screen the list of pages scrolls: the one that is open shall be in sight.
  const open = document.querySelector('.site-header nav [aria-current="page"]');
  if (open) {
    const list = open.closest("nav");
    const before = open.getBoundingClientRect().left - list.getBoundingClientRect().left;
    list.scrollLeft += before - (list.clientWidth - open.offsetWidth) / 2;
  }
  document.body.append(status);
  prepare(document);
})();
