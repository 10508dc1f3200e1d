// Named values as horizontal bars.

import { el } from "./dom.js";

/** Entries are `{name, share, text, badge}`; the share 0..1 is the bar's length. */
export function bars(entries) {
  return el("ul", { className: "bars" }, entries.map(({ name, share, text, badge }) =>
    el("li", {},
      el("span", { className: "name", title: name }, name, badge ? " " : null,
        badge ? el("span", { className: "badge warn", textContent: badge }) : null),
      el("span", { className: "value", textContent: text }),
      el("span", { className: "bar", "aria-hidden": "true" }, el("i", { "--share": `${Math.max(0, share * 100)}%` })))));
}
