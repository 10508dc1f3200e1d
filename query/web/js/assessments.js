// Submissions and scores by assessment.

import { sql } from "./api.js";
import { el } from "./dom.js";
import { count, number, percent } from "./format.js";
import { Empty, Section } from "./section.js";
import { table } from "./table.js";

const QUERY = `SELECT term, section_id, assessment_id,
  count(DISTINCT student_key) FILTER (WHERE event_type = 'assessment.submitted') AS submitted,
  avg(score / nullif(max_score, 0)) FILTER (WHERE event_type = 'assessment.graded') AS mean_rate,
  avg(score) FILTER (WHERE event_type = 'assessment.graded') AS mean_score
  FROM assessment WHERE event_type IN ('assessment.submitted', 'assessment.graded') AND assessment_id IS NOT NULL
  GROUP BY term, section_id, assessment_id ORDER BY term DESC, section_id, assessment_id LIMIT 200`;

const COLUMNS = [
  { name: "term", type: "text", title: "Term" },
  { name: "assessment_id", type: "text", title: "Assessment" },
  { name: "section_id", type: "text", title: "Section", missing: "–" },
  { name: "submitted", type: "bigint", title: "Handed in", format: count },
  {
    name: "mean_score", type: "double", title: "Mean score", missing: "–",
    format: (score, { mean_rate }) => (mean_rate === null ? number(score) : percent(mean_rate)),
  },
];

export class Assessments extends Section {
  constructor() {
    super("assessments");
  }

  fetch(signal) {
    return sql(QUERY, [], signal);
  }

  draw({ rows }) {
    if (!rows.length) {
      return new Empty("Nothing was handed in here yet", "What is handed in shows here, and its score once there is one.",
        "Send assessment.submitted when a student hands in, and assessment.graded with score and max_score.");
    }
    // What all rows share is said once.
    const shared = ["term", "section_id"].filter((name) => rows.every((row) => row[name] === rows[0][name]));
    const lead = shared.map((name) => rows[0][name]).filter(Boolean).join(" · ");
    const columns = COLUMNS.filter(({ name }) => !shared.includes(name));
    this.content.replaceChildren(lead ? el("p", { className: "lead", textContent: lead }) : "", table(columns, rows, { label: "Assessments: submissions and mean scores" }));
  }
}
