// A question that has to be answered before anything goes on.

import { byId, el } from "./dom.js";

function open(title, text, buttons) {
  const dialog = byId("dialog");
  byId("dialog-title").textContent = title;
  byId("dialog-text").textContent = text;
  byId("dialog-buttons").replaceChildren(...buttons.map(([value, textContent]) => el("button", {
    type: "button", textContent, className: value ? "primary" : "", onclick: () => dialog.close(value),
  })));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Whether the reader says yes; Escape is a no. */
export const ask = (title, text, yes, no) => open(title, text, [["yes", yes], ["", no]]);

/** Waits until the reader has read it. */
export const tell = (title, text) => open(title, text, [["yes", "Continue"]]);
