// The SQL box: a statement, its result as table and chart, and what there is to ask about.

import { csv, sql } from "./api.js";
import { guardedFile } from "./csv.js";
import { byId, el } from "./dom.js";
import { count } from "./format.js";
import { reader } from "./reader.js";
import { resultChart } from "./result.js";
import { Empty, Section } from "./section.js";
import { Statements } from "./statements.js";
import { pagedTable } from "./table.js";

export class Sql extends Section {
  complaint = "The statement was not answered";

  constructor() {
    super("sql");
    this.statements = new Statements();
    this.text = this.statements.text;
    this.run = byId("sql-run");
    this.cancel = byId("sql-cancel");
    this.download = byId("sql-csv");
    this.statements.addEventListener("chosen", () => this.ask());
    this.run.addEventListener("click", () => this.ask());
    this.cancel.addEventListener("click", () => this.stop());
    this.download.addEventListener("click", () => this.save());
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.ask();
      }
    });
  }

  /** Runs the example once somebody sees the box. */
  #runWhenSeen() {
    const watcher = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      watcher.disconnect();
      this.ask();
    });
    watcher.observe(this.root);
  }

  /** Runs the statement. */
  async ask() {
    this.busy(true);
    await this.load();
    if (!this.loading) this.busy(false);
  }

  stop() {
    this.abandon();
    this.busy(false);
    this.notice.replaceChildren();
    this.root.removeAttribute("aria-busy");
    this.root.dataset.state = "cancelled";
  }

  busy(is) {
    this.run.disabled = is;
    this.cancel.hidden = !is;
  }

  async fetch(signal) {
    const began = performance.now();
    const answer = await sql(this.text.value, [], signal);
    return { ...answer, milliseconds: performance.now() - began };
  }

  draw({ columns, rows, milliseconds }) {
    const took = `${count(rows.length)} ${rows.length === 1 ? "row" : "rows"} in ${count(milliseconds)} ms`;
    if (!rows.length) return new Empty("No rows", `${took}. The statement is right; nothing fits it.`);
    this.content.replaceChildren(el("p", { className: "lead", role: "status", textContent: took }));
    resultChart(this.content, columns, rows);
    const rowsShown = pagedTable(columns, rows, { label: "Result", types: true });
    rowsShown.id = "sql-result";
    this.content.append(rowsShown);
  }

  /** The whole result as a file for spreadsheets, however long. */
  async save() {
    this.download.disabled = true;
    try {
      const file = await guardedFile(await csv(this.text.value));
      const link = el("a", { href: URL.createObjectURL(file), download: "chalkline.csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch {
      // The same statement as a table says what is wrong with it.
      this.ask();
    } finally {
      this.download.disabled = false;
    }
  }

  /** Lists what can be asked about, and offers examples that ask about it. */
  async list(tables) {
    byId("sql-tables").replaceChildren(...tables.map(({ name, columns }) => this.#table(name, columns)));
    const names = tables.map(({ name }) => name);
    if (this.statements.offer(names, await reader())) this.#runWhenSeen();
  }

  #table(name, columns) {
    return el("details", {}, el("summary", { textContent: name }), el("ul", {}, columns.map((column) =>
      el("li", {}, el("button", {
        type: "button", className: "link", textContent: column.name, title: `Insert ${column.name}`, onclick: () => this.statements.insert(column.name),
      }), el("small", { textContent: column.type, title: column.type })))));
  }
}
