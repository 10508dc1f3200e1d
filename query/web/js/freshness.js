// Whether the data is live: asks every few seconds while someone looks, and
// says when there is something new.

import { Offline, reports, sql, tables } from "./api.js";
import { byId, el } from "./dom.js";
import { clock, lag } from "./format.js";
import { reader } from "./reader.js";

const PERIOD = 5000;
/** Further behind than this is worth a colour. */
const BEHIND_SECONDS = 30;
const FAMILIES = ["clickstream", "video", "assessment", "attendance", "tutoring"];

/** The service's clock. */
function now(list) {
  const times = list.filter(({ data_as_of }) => data_as_of)
    .map(({ data_as_of, lag_seconds }) => Date.parse(data_as_of) + lag_seconds * 1000);
  return times.length ? Math.max(...times) : Date.now();
}

/**
 * Tells `tables` once, with what can be asked about; `changed` when there are
 * other counts, and `beat` after every answer.
 */
export class Freshness extends EventTarget {
  constructor() {
    super();
    // Whoever comes back sees the present, not what was there when they left.
    const look = () => this.aborter && !this.aborter.signal.aborted && this.#beat(this.aborter.signal);
    document.addEventListener("visibilitychange", look);
    addEventListener("online", look);
  }

  start() {
    this.stop();
    this.aborter = new AbortController();
    this.#expect();
    this.#beat(this.aborter.signal);
  }

  stop() {
    this.aborter?.abort();
    this.beating = null;
    clearTimeout(this.timer);
    this.families = null;
    this.counts = null;
    /** When a count was last seen changed, by the service's clock, in milliseconds. */
    this.changedAt = 0;
  }

  /** Events by family are `known` once they were counted; it fails when the counting does. */
  #expect() {
    this.known = new Promise((resolve, reject) => {
      this.tell = resolve;
      this.fail = reject;
    });
    this.known.catch(() => {});
  }

  async #beat(signal) {
    if (this.beating || document.visibilityState !== "visible") return;
    clearTimeout(this.timer);
    this.beating = signal;
    try {
      await this.#ask(signal);
    } catch (error) {
      if (signal.aborted) return;
      this.fail(error);
      this.#expect();
      if (error instanceof Offline) this.#say("offline", "No connection", error.message);
      else this.#say("behind", "Not live", error.message);
    } finally {
      if (this.beating === signal) this.beating = null;
      if (!signal.aborted) this.timer = setTimeout(() => this.#beat(signal), PERIOD);
    }
  }

  async #ask(signal) {
    if (!this.families) {
      const list = await tables(signal);
      this.dispatchEvent(new CustomEvent("tables", { detail: list }));
      const names = list.map(({ name }) => name);
      this.families = FAMILIES.filter((family) => names.includes(family));
    }
    const [answers, list] = await Promise.all([this.#askFamilies(signal), reports(signal)]);
    this.#count(Object.assign({}, ...answers.map(({ rows }) => rows[0])), list);
    // Whoever sees no events sees reports that are as fresh as these say.
    const ages = [...answers, ...list].map(({ data_as_of }) => data_as_of);
    this.#show(ages.find((age) => age), list);
    this.dispatchEvent(new Event("beat"));
  }

  /** How many events there are of each family, in one answer or several. */
  async #askFamilies(signal) {
    if (this.families.length === 0) return [];
    // The sum is NULL where a count of few students is not shown.
    const columns = this.families.map((family) => `(SELECT sum(n) FROM (SELECT count(*) AS n FROM ${family})) AS ${family}`);
    // A statement of who sees groups alone has one aggregate of students.
    const { grouped } = await reader();
    const lists = grouped && columns.length > 0 ? columns : [columns.join(", ")];
    return Promise.all(lists.map((of) => sql(`SELECT ${of}`, [], signal)));
  }

  #count(counts, list) {
    const before = this.counts;
    this.counts = counts;
    this.tell(counts);
    this.known = Promise.resolve(counts);
    if (before && JSON.stringify(before) !== JSON.stringify(counts)) {
      // What was counted was answered before now, perhaps after data_as_of.
      this.changedAt = now(list);
      this.dispatchEvent(new Event("changed"));
    }
  }

  #show(asOf, list) {
    if (!asOf) {
      this.#say("waiting", "Waiting for the first event", "Nothing has been published yet.");
      return;
    }
    const worst = Math.max(0, ...list.map(({ lag_seconds }) => lag_seconds ?? 0));
    const title = [`Everything answered before ${clock(asOf)} is in the tables.`,
      ...list.map(({ name, data_as_of, lag_seconds }) => `${name}: ${data_as_of ? lag(lag_seconds) : "not there yet"}`)];
    const behind = worst > BEHIND_SECONDS;
    if (behind) this.#say("behind", lag(worst), title.join("\n"));
    else this.#say("live", "Live", title.join("\n"), ` · ${lag(worst)}`);
  }

  /** `more` is left out where there is little room. */
  #say(kind, text, title, more = "") {
    const pill = byId("freshness");
    pill.dataset.kind = kind;
    pill.title = title;
    byId("freshness-text").replaceChildren(text, el("span", { className: "word", textContent: more }));
  }
}
