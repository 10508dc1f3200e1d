// The first line of numbers.

import { sql } from "./api.js";
import { el } from "./dom.js";
import { count, day } from "./format.js";
import { Empty, Section } from "./section.js";

const QUERY = `SELECT students, courses, terms, days,
  (SELECT min(day) FROM section_day) AS first_day, (SELECT max(day) FROM section_day) AS last_day
  FROM (SELECT count(DISTINCT student_key) AS students, count(DISTINCT course_id) AS courses,
    count(DISTINCT term) AS terms, count(DISTINCT day) AS days FROM student_day)`;

const EXAMPLE = `curl http://127.0.0.1:8080/v1/events \\
  -H 'Authorization: Bearer ck_…' -H 'Content-Type: application/json' \\
  -d '{"type": "page.viewed", "time": "2026-09-14T10:00:00Z", "actor": "stu-1041", "course": "bio-101"}'`;

/** A term with its number and a note. */
export const tile = (name, value, note) =>
  el("div", {}, el("dt", { textContent: name }), el("dd", { textContent: value }), note ? el("dd", { className: "note", textContent: note }) : null);

export class Overview extends Section {
  constructor(freshness) {
    super("overview");
    this.freshness = freshness;
  }

  async fetch(signal) {
    const [answer, counts] = await Promise.all([sql(QUERY, [], signal), this.freshness.known]);
    return { ...answer, counts };
  }

  draw({ rows: [known], counts }) {
    const families = Object.entries(counts).filter(([, events]) => events > 0);
    const events = families.reduce((sum, [, of]) => sum + of, 0);
    if (!events || !known) {
      return new Empty("No events yet", "What students do shows here a few seconds later.",
        "Post the first one with a write key; a few seconds later it shows here.",
        el("pre", { tabIndex: 0 }, el("code", { textContent: EXAMPLE })));
    }
    this.content.replaceChildren(
      tile("Events kept", count(events), families.map(([name, of]) => `${count(of)} ${name}`).join(" · ")),
      tile("Students", count(known.students), "stored without names"),
      tile("Courses", count(known.courses), `in ${count(known.terms)} ${known.terms === 1 ? "term" : "terms"}`),
      tile("Days with activity", count(known.days), known.first_day && `${day(known.first_day)} – ${day(known.last_day)}`),
    );
  }
}
