// The statement in the SQL box: the examples, and what the reader wrote, none of
// which is lost when another is chosen.

import { byId, el } from "./dom.js";

/**
 * What is offered to readers who have the tables. Those whose statement is `ungrouped`
 * are not for who sees students in groups alone: they compare single ones.
 */
const EXAMPLES = [
  {
    name: "Active students per week",
    tables: ["section_day", "student_day"],
    ungrouped: true,
    statement: `-- In the term with the most activity.
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
  },
  {
    name: "Day by day",
    tables: ["student_day"],
    statement: `SELECT day,
       round(sum(active_minutes), 1) AS active_minutes,
       round(sum(seconds_watched) / 60, 1) AS minutes_of_video,
       sum(items_attempted) AS items_attempted
FROM student_day
GROUP BY day
ORDER BY day`,
  },
  {
    name: "How much of each video",
    tables: ["video_watch"],
    statement: `SELECT content_id,
       round(avg(watched_rate) * 100, 1) AS watched_percent,
       round(sum(total_seconds) / 60, 1) AS minutes_played
FROM video_watch
WHERE total_seconds > 0
GROUP BY content_id
ORDER BY minutes_played DESC, content_id
LIMIT 20`,
  },
  {
    name: "Most watched videos",
    tables: ["video_watch"],
    statement: `SELECT content_id,
       count(*) AS viewers,
       round(avg(watched_rate) * 100, 1) AS mean_watched_percent,
       round(sum(replayed_seconds) / 3600, 1) AS hours_replayed
FROM video_watch
WHERE distinct_seconds > 0
GROUP BY content_id
ORDER BY viewers DESC, content_id
LIMIT 20`,
  },
  {
    name: "What students do",
    tables: ["clickstream"],
    statement: `SELECT event_type, count(*) AS events
FROM clickstream
GROUP BY event_type
ORDER BY events DESC`,
  },
  {
    name: "Hours of the day",
    tables: ["video"],
    statement: `SELECT CAST(date_part('hour', occurred_at) AS int) AS hour_utc,
       count(*) AS video_events
FROM video
GROUP BY 1
ORDER BY 1`,
  },
  {
    name: "Mean score per assessment",
    tables: ["assessment"],
    statement: `SELECT assessment_id, count(*) AS scores, round(avg(score), 2) AS mean_score
FROM assessment
WHERE event_type = 'assessment.graded'
GROUP BY assessment_id
ORDER BY assessment_id`,
  },
  {
    name: "The books",
    tables: ["ledger"],
    statement: "SELECT * FROM ledger ORDER BY hour DESC, family",
  },
  {
    // Of every reader's own tables: so there is always one.
    name: "What there is to ask about",
    tables: [],
    statement: `SELECT table_name, count(*) AS columns
FROM information_schema.columns
GROUP BY table_name
ORDER BY table_name`,
  },
];

/** How many own statements are kept. */
const KEPT = 10;
const brief = (text) => {
  const line = text.replace(/--.*$/gm, " ").replace(/\s+/g, " ").trim() || "empty";
  return line.length > 44 ? `${line.slice(0, 44)}…` : line;
};

export class Statements extends EventTarget {
  constructor() {
    super();
    this.text = byId("sql-text");
    this.choice = byId("sql-examples");
    this.own = el("optgroup", { label: "Yours" });
    /** The option whose statement stands in the box. */
    this.current = null;
    this.choice.addEventListener("change", () => this.#choose());
    this.text.addEventListener("input", () => this.#keep());
  }

  /**
   * Offers the examples that work with these tables for this reader, once, and says
   * whether the first now stands in the box: what was written there before stays.
   */
  offer(tables, { grouped }) {
    const fits = (example) => example.tables.every((table) => tables.includes(table)) && !(example.ungrouped && grouped);
    const options = EXAMPLES.filter(fits).map(({ name, statement }) => this.#option(name, statement));
    this.choice.append(el("optgroup", { label: "Examples" }, options));
    if (!this.current && this.text.value) this.#keep();
    if (this.current) return false;
    [this.current] = options;
    this.current.selected = true;
    this.text.value = this.current.statement;
    return true;
  }

  /** Puts a word where the cursor is. */
  insert(word) {
    this.text.setRangeText(word, this.text.selectionStart, this.text.selectionEnd, "end");
    this.text.focus();
    this.#keep();
  }

  #option(name, statement) {
    return el("option", { textContent: name, statement });
  }

  #choose() {
    this.current = this.choice.selectedOptions[0];
    this.text.value = this.current.statement;
    this.dispatchEvent(new Event("chosen"));
  }

  /** What was changed is the reader's own from now on. */
  #keep() {
    const { value } = this.text;
    if (this.current?.parentNode !== this.own) {
      this.current = this.#option("", "");
      this.own.prepend(this.current);
      this.choice.prepend(this.own);
      this.current.selected = true;
      if (this.own.childElementCount > KEPT) this.own.lastElementChild.remove();
    }
    this.current.statement = value;
    this.current.textContent = brief(value);
  }
}
