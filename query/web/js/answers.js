// The items answered most, and what was answered.

import { sql } from "./api.js";
import { bars } from "./bars.js";
import { el } from "./dom.js";
import { brief, count, percent } from "./format.js";
import { Empty, Section } from "./section.js";

const ITEMS = 6;
const RESPONSES = 6;

const QUERY = `SELECT answers.* FROM answer_distribution AS answers
  JOIN (SELECT term, assessment_id, item_id, content_version, sum(first_count) AS total FROM answer_distribution
    GROUP BY term, assessment_id, item_id, content_version ORDER BY total DESC LIMIT ${ITEMS}) AS most
  ON answers.term = most.term
    AND (answers.assessment_id IS NOT DISTINCT FROM most.assessment_id)
    AND (answers.item_id IS NOT DISTINCT FROM most.item_id)
    AND (answers.content_version IS NOT DISTINCT FROM most.content_version)
  ORDER BY most.total DESC, answers.term, answers.assessment_id, answers.item_id, answers.content_version,
    answers.first_count DESC, answers.response`;

/** What a report's flag says, in words. */
const FLAGS = { distractor_rarely_chosen: "rarely chosen" };

const EXAMPLE = `{ "type": "item.answered", "time": "…", "actor": "stu-1041",
  "data": { "assessment": "quiz-1", "item": "q1",
            "response": "b", "correct": true } }`;

/** Several choices are one response: a list. */
function chosen(response) {
  if (!response?.startsWith("[")) return response;
  try {
    return JSON.parse(response).join(", ");
  } catch {
    return response;
  }
}

export class Answers extends Section {
  constructor() {
    super("answers");
  }

  fetch(signal) {
    return sql(QUERY, [], signal);
  }

  draw({ rows }) {
    if (!rows.length) {
      return new Empty("No answers to single items", "The questions answered most show here, with what was answered.",
        "Scores alone do not say which answers students gave. Send item.answered with the response, and the most-answered items show here:",
        el("pre", { tabIndex: 0 }, el("code", { textContent: EXAMPLE })));
    }
    const items = new Map();
    for (const row of rows) {
      const item = JSON.stringify([row.term, row.assessment_id, row.item_id, row.content_version]);
      if (!items.has(item)) items.set(item, []);
      items.get(item).push(row);
    }
    this.content.replaceChildren(...[...items.values()].map((responses) => this.#item(responses)));
  }

  #item(responses) {
    const { assessment_id, item_id, content_version, term } = responses[0];
    const version = content_version === null ? "" : ` v${content_version}`;
    const name = [assessment_id, item_id].filter((part) => part !== null).map(brief).join(" · ") + version;
    const total = responses.reduce((sum, { first_count }) => sum + first_count, 0);
    const more = responses.length - RESPONSES;
    return el("div", { className: "item" },
      el("h3", {}, el("span", { textContent: name, title: item_id ?? "" }),
        el("small", { textContent: `${count(total)} ${total === 1 ? "student" : "students"} · ${term}` })),
      bars(responses.slice(0, RESPONSES).map(({ response, first_count, share_rate, flag }) => ({
        name: chosen(response) ?? "no answer", share: share_rate ?? 0, badge: FLAGS[flag] ?? flag, text: `${count(first_count)} · ${percent(share_rate)}`,
      }))),
      more > 0 ? el("p", { className: "lead", textContent: `and ${count(more)} other answers` }) : null);
  }
}
