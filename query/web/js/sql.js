// The SQL box: a statement, its result as table and chart, and what there is to ask about.

import { csv, sql } from "./api.js";
import { byId, el } from "./dom.js";
import { count } from "./format.js";
import { resultChart } from "./result.js";
import { Empty, Section } from "./section.js";
import { pagedTable } from "./table.js";

const EXAMPLES = {
  "Active students per week": `-- In the term with the most activity.
WITH busiest AS (
  SELECT term FROM section_day
  GROUP BY term ORDER BY sum(active_students) DESC LIMIT 1
)
SELECT CAST(date_trunc('week', day) AS date) AS week,
       count(DISTINCT student_key) AS students
FROM student_day
WHERE term IN (SELECT term FROM busiest)
GROUP BY 1
ORDER BY 1`,
  "Most watched videos": `SELECT content_id,
       count(*) AS viewers,
       round(avg(watched_rate) * 100, 1) AS mean_watched_percent
FROM video_watch
GROUP BY content_id
ORDER BY viewers DESC
LIMIT 20`,
  "What students do": `SELECT event_type, count(*) AS events
FROM (SELECT event_type FROM clickstream
      UNION ALL SELECT event_type FROM video
      UNION ALL SELECT event_type FROM assessment)
GROUP BY event_type
ORDER BY events DESC`,
  "Hours of the day": `SELECT CAST(date_part('hour', occurred_at) AS int) AS hour_utc,
       count(*) AS video_events
FROM video
GROUP BY 1
ORDER BY 1`,
  "Mean score per assessment": `SELECT assessment_id, count(*) AS scores, round(avg(score), 2) AS mean_score
FROM assessment
WHERE event_type = 'assessment.graded'
GROUP BY assessment_id
ORDER BY assessment_id`,
  "The books": "SELECT * FROM ledger ORDER BY hour DESC, family",
};

export class Sql extends Section {
  complaint = "The statement was not answered";

  constructor() {
    super("sql");
    this.text = byId("sql-text");
    this.run = byId("sql-run");
    this.cancel = byId("sql-cancel");
    this.download = byId("sql-csv");
    const examples = byId("sql-examples");
    examples.append(...Object.keys(EXAMPLES).map((name) => el("option", { value: name, textContent: name })));
    this.text.value = EXAMPLES[examples.value];
    examples.addEventListener("change", () => {
      this.text.value = EXAMPLES[examples.value];
      this.ask();
    });
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
  begin() {
    this.watcher?.disconnect();
    this.watcher = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      this.watcher.disconnect();
      this.ask();
    });
    this.watcher.observe(this.root);
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
    this.content.append(pagedTable(columns, rows, { label: "Result", types: true }));
  }

  /** The whole result as a file, however long. */
  async save() {
    this.download.disabled = true;
    try {
      const link = el("a", { href: URL.createObjectURL(await csv(this.text.value)), download: "chalkline.csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch {
      // The same statement as a table says what is wrong with it.
      this.ask();
    } finally {
      this.download.disabled = false;
    }
  }

  /** Lists what can be asked about. */
  list(tables) {
    byId("sql-tables").replaceChildren(...tables.map(({ name, columns }) => this.#table(name, columns)));
  }

  #table(name, columns) {
    return el("details", {}, el("summary", { textContent: name }), el("ul", {}, columns.map((column) =>
      el("li", {}, el("button", {
        type: "button", className: "link", textContent: column.name, title: `Insert ${column.name}`, onclick: () => this.#insert(column.name),
      }), el("small", { textContent: column.type, title: column.type })))));
  }

  #insert(word) {
    this.text.setRangeText(word, this.text.selectionStart, this.text.selectionEnd, "end");
    this.text.focus();
  }
}
