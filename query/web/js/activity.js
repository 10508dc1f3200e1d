// Activity per day: who was there and what they did.

import { sql, wholeReport } from "./api.js";
import { Chart } from "./chart.js";
import { byId, choices } from "./dom.js";
import { count, short, weekday } from "./format.js";
import { Empty, Section } from "./section.js";
import { tableOf } from "./table.js";

const FAMILIES = [
  { name: "clickstream_events", label: "Clickstream", colour: "--series-1" },
  { name: "video_events", label: "Video", colour: "--series-2" },
  { name: "assessment_events", label: "Assessment", colour: "--series-3" },
  { name: "attendance_events", label: "Attendance", colour: "--series-4" },
  { name: "tutoring_events", label: "Tutoring", colour: "--series-5" },
];

const SECTIONS = `SELECT term, course_id, section_id, sum(${FAMILIES.map(({ name }) => name).join(" + ")}) AS events
  FROM section_day GROUP BY term, course_id, section_id ORDER BY term DESC, events DESC`;

// A student of two sections is one student.
const ALL_SECTIONS = `SELECT day, active_students, ${FAMILIES.map(({ name }) => name).join(", ")}
  FROM (SELECT day, ${FAMILIES.map(({ name }) => `sum(${name}) AS ${name}`).join(", ")} FROM section_day WHERE term = $1 GROUP BY day)
  JOIN (SELECT day, count(DISTINCT student_key) AS active_students FROM student_day WHERE term = $1 GROUP BY day) USING (day)
  ORDER BY day`;

const ALL = "all";
const DAY = 86400;

/** A row for each day from the first to the last: a day without a row is a day on which nothing happened. */
function everyDay(rows) {
  const known = new Map(rows.map((row) => [Date.parse(row.day) / 1e3, row]));
  const times = [...known.keys()];
  const days = [];
  for (let at = Math.min(...times); at <= Math.max(...times); at += DAY) days.push(at);
  const column = (name) => days.map((at) => Number(known.get(at)?.[name] ?? 0));
  return { days, column };
}

export class Activity extends Section {
  constructor() {
    super("activity");
    this.term = byId("activity-term");
    this.section = byId("activity-section");
    for (const select of [this.term, this.section]) {
      select.addEventListener("change", () => {
        select.dataset.chosen = "yes";
        this.reload();
      });
    }
    const titled = (at) => weekday(at * 1e3);
    this.x = { kind: "day", format: titled, title: titled };
    this.students = new Chart(byId("activity-students"), { label: "Active students per day", table: "activity-table", height: 150, sync: "activity", counts: true, yFormat: short });
    this.events = new Chart(byId("activity-events"), { label: "Actions per day, by family", table: "activity-table", height: 190, sync: "activity", counts: true, stack: true, yFormat: short });
  }

  async fetch(signal) {
    const { rows, data_as_of } = await sql(SECTIONS, [], signal);
    if (!rows.length) return { rows, data_as_of };
    this.#offer(rows);
    const term = this.term.value;
    if (this.section.value === ALL) return sql(ALL_SECTIONS, [term], signal);
    const [course_id, section_id] = JSON.parse(this.section.value);
    const columns = ["day", "active_students", ...FAMILIES.map(({ name }) => name)].join();
    return wholeReport("section_day", { term, course_id, section_id, columns, order: "day" }, signal);
  }

  /** The terms and sections to choose from; at first the largest of the newest term. */
  #offer(rows) {
    const terms = [...new Set(rows.map(({ term }) => term))];
    const largest = rows.reduce((best, row) => (row.events > best.events ? row : best));
    choices(this.term, terms.map((term) => ({ value: term, label: term })), largest.term);
    const within = rows.filter(({ term }) => term === this.term.value);
    const options = within.map(({ course_id, section_id }) => ({
      value: JSON.stringify([course_id, section_id]),
      label: section_id ?? (course_id ? `${course_id}, no section` : "no course"),
    }));
    choices(this.section, options.length > 1 ? [{ value: ALL, label: "All sections" }, ...options] : options, options[0].value);
  }

  draw({ rows }) {
    if (!rows.length) {
      return new Empty("No activity yet", "Each day on which students do something shows here.",
        "A day shows here a few seconds after its first event. Post events to the front door (POST /v1/events), or wait for the reports to catch up.");
    }
    const { days, column } = everyDay(rows);
    const x = { ...this.x, values: days };
    const students = column("active_students");
    this.students.draw({
      x,
      series: [{ label: "Active students", values: students, colour: "--series-1", kind: "area", format: count }],
      summary: `${days.length} days, at most ${count(Math.max(...students))} on one`,
    });
    const present = FAMILIES.map((family) => ({ ...family, values: column(family.name), kind: "bars", format: count }))
      .filter(({ values }) => values.some((value) => value > 0));
    this.events.draw({
      x, series: present,
      summary: present.map(({ label, values }) => `${label}: ${count(values.reduce((sum, value) => sum + value, 0))}`).join(", "),
    });
    const columns = [{ name: "day", type: "date", title: "Day" }, { name: "active_students", type: "bigint", title: "Active students" },
      ...present.map(({ name, label }) => ({ name, type: "bigint", title: label }))];
    tableOf(byId("activity-table"), columns.map((of) => (of.type === "bigint" ? { ...of, format: count } : of)), rows, "Activity per day");
    this.root.dataset.students = String(students.reduce((sum, value) => sum + value, 0));
  }
}
