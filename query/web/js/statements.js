// The statement in the SQL box: the examples, and what the reader wrote, none of
// which is lost when another is chosen.

import { byId, el } from "./dom.js";

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
       round(avg(watched_rate) * 100, 1) AS mean_watched_percent,
       round(sum(replayed_seconds) / 3600, 1) AS hours_replayed
FROM video_watch
WHERE distinct_seconds > 0
GROUP BY content_id
ORDER BY viewers DESC, content_id
LIMIT 20`,
  "What students do": `SELECT event_type, count(*) AS events
FROM clickstream
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
    this.choice.append(el("optgroup", { label: "Examples" },
      Object.entries(EXAMPLES).map(([name, text]) => this.#option(name, text))));
    [this.current] = this.choice.querySelectorAll("option");
    this.current.selected = true;
    this.text.value = this.current.statement;
    this.choice.addEventListener("change", () => this.#choose());
    this.text.addEventListener("input", () => this.#keep());
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
    if (this.current.parentNode !== this.own) {
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
