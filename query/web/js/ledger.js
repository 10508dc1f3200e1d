// The ledger: whether every accepted event is accounted for.

import { report, sql } from "./api.js";
import { byId, el } from "./dom.js";
import { count, hour, timeZone } from "./format.js";
import { Empty, Section } from "./section.js";
import { table } from "./table.js";

const SUMS = ["accepted", "replayed", "stored", "table_duplicate", "quarantined", "erased"];
const TOTALS = `SELECT ${SUMS.map((name) => `sum(${name}) AS ${name}`).join(", ")},
  sum(CASE WHEN balanced THEN 0 ELSE 1 END) AS unbalanced,
  sum(CASE WHEN received IS NULL THEN 1 ELSE 0 END) AS untold, count(*) AS entries FROM ledger`;
const PAGE = 48;

const numbers = (title, name) => ({ name, title, type: "bigint", format: (value) => (value ? count(value) : "·") });
const COLUMNS = [
  { name: "hour", type: "timestamp", title: `Hour (${timeZone})`, format: (at) => (Date.parse(at) ? hour(at) : "unknown") },
  { name: "family", type: "text", title: "Family", missing: "unknown" },
  { name: "balanced", type: "boolean", title: "Balanced", format: (is) => el("span", { className: is ? "badge" : "badge bad", textContent: is ? "yes" : "no" }) },
  { ...numbers("Received", "received"), missing: "not known" }, numbers("Accepted", "accepted"),
  numbers("Replayed", "replayed"), numbers("Stored", "stored"),
  numbers("Duplicates", "table_duplicate"), numbers("Quarantined", "quarantined"), numbers("Erased", "erased"),
  numbers("Ignored", "ignored"), numbers("Rejected", "rejected"), { name: "rejected_reasons", type: "text", title: "Why rejected", missing: "" },
];

/** Columns in which nothing stands are left out, to leave room for the others. */
const RARE = ["replayed", "erased", "ignored", "quarantined", "rejected", "rejected_reasons"];
const columnsOf = (rows) => COLUMNS.filter(({ name }) => !RARE.includes(name) || rows.some((row) => row[name]));

export class Ledger extends Section {
  constructor() {
    super("ledger");
    this.shown = PAGE;
  }

  async fetch(signal) {
    const [totals, hours] = await Promise.all([
      sql(TOTALS, [], signal), report("ledger", { order: "-hour,family", limit: this.shown }, signal)]);
    return { ...hours, totals: totals.rows[0] };
  }

  draw({ rows, totals, next_cursor }) {
    if (!totals.entries) {
      return new Empty("The ledger is empty", "It has a line for every hour and family in which events came.",
        "Post an event and it opens: it has a line for every hour and family in which events came.");
    }
    byId("ledger-verdict").replaceChildren(this.#verdict(totals), this.#sum(totals), ...this.#untold(totals));
    byId("ledger-hours").replaceChildren(table(columnsOf(rows), rows, { label: "Ledger by hour and family", mark: (row) => !row.balanced }));
    if (next_cursor) {
      byId("ledger-hours").append(el("div", { className: "pager" }, el("button", {
        type: "button", textContent: "Show earlier hours", onclick: () => { this.shown += 4 * PAGE; this.load(true); },
      })));
    }
    this.root.dataset.balanced = String(!totals.unbalanced);
  }

  #verdict({ unbalanced, accepted }) {
    const words = unbalanced
      ? [`Not balanced in ${count(unbalanced)} ${unbalanced === 1 ? "line" : "lines"}`, "Some accepted events are missing from the tables or there once too often: see the marked lines, and the service's log."]
      : ["Balanced", `Each of the ${count(accepted)} accepted events is accounted for, exactly once.`];
    return el("div", { className: unbalanced ? "verdict bad" : "verdict" },
      el("span", { className: "mark", "aria-hidden": "true", textContent: unbalanced ? "!" : "✓" }),
      el("div", {}, el("strong", { textContent: words[0] }), el("span", { textContent: words[1] })));
  }

  /** What the front door answered and had not noted: that of the minute under way, and of one in which it was killed. */
  #untold({ untold }) {
    if (!untold) return [];
    const lines = `${count(untold)} ${untold === 1 ? "line" : "lines"}`;
    return [el("p", { className: "lead", textContent: `In ${lines} it is not known, or not yet, how many events were sent: the front door notes that once a minute. Accepted events are counted in the log.` })];
  }

  #sum(totals) {
    const part = (name, label) => el("span", {}, el("b", { textContent: count(totals[name]) }), el("small", { textContent: label }));
    const sign = (text) => el("i", { textContent: text });
    return el("p", { className: "sum" },
      part("accepted", "accepted"), ...(totals.replayed ? [sign("+"), part("replayed", "replayed")] : []), sign(totals.unbalanced ? "≠" : "="), part("stored", "stored"), sign("+"),
      part("table_duplicate", "duplicates"), sign("+"), part("quarantined", "quarantined"), sign("+"), part("erased", "erased"));
  }
}
