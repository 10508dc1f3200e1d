// Rows as a table.

import { el } from "./dom.js";
import { count } from "./format.js";

const PAGE = 100;
const NUMBERS = /^(tinyint|smallint|integer|bigint|real|double|decimal)/;

/** Whether values of this SQL type are numbers. */
export const isNumber = (type) => NUMBERS.test(type);

/** A value as it is, for a cell. */
export function plain(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function cell(column, row) {
  const value = row[column.name];
  const text = column.format && value !== null ? column.format(value, row) : plain(value);
  const node = el("td", { className: isNumber(column.type) ? "number" : "" });
  if (text === null) node.append(el("span", { className: "null", textContent: column.missing ?? "null" }));
  else node.append(text);
  if (typeof text === "string" && text.length > 40) node.title = text;
  return node;
}

/**
 * A table in a box that scrolls by itself. Columns are `{name, type, title,
 * format, missing}`; `types` shows the types under the names.
 */
export function table(columns, rows, { label, types = false, mark } = {}) {
  const head = el("tr", {}, columns.map((column) =>
    el("th", { scope: "col", className: isNumber(column.type) ? "number" : "" }, column.title ?? column.name,
      types ? el("small", { textContent: column.type }) : null)));
  const lines = rows.map((row) =>
    el("tr", { className: mark?.(row) ? "bad" : "" }, columns.map((column) => cell(column, row))));
  return el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label },
    el("table", {}, el("caption", { className: "unseen", textContent: label }), el("thead", {}, head), el("tbody", {}, lines)));
}

/** The same, a hundred rows at a time. */
export function pagedTable(columns, rows, settings) {
  const box = el("div");
  const pages = Math.max(1, Math.ceil(rows.length / PAGE));
  const show = (page) => {
    const from = page * PAGE;
    const shown = rows.slice(from, from + PAGE);
    const step = (text, to) => el("button", { type: "button", textContent: text, disabled: to < 0 || to >= pages, onclick: () => show(to) });
    box.replaceChildren(table(columns, shown, settings));
    if (pages > 1) {
      box.append(el("div", { className: "pager" }, step("Previous", page - 1), step("Next", page + 1),
        el("span", { role: "status", textContent: `Rows ${count(from + 1)}–${count(from + shown.length)} of ${count(rows.length)}` })));
    }
  };
  show(0);
  return box;
}

/** A table behind a line that opens it: what a chart says, for those who read rather than look. */
export function tableOf(root, columns, rows, label) {
  const open = root.querySelector("details")?.open ?? false;
  const details = el("details", { className: "data", open }, el("summary", { textContent: "Show as a table" }));
  const fill = () => {
    if (details.open && details.childElementCount === 1) details.append(pagedTable(columns, rows, { label }));
  };
  details.addEventListener("toggle", fill);
  fill();
  root.replaceChildren(details);
}
