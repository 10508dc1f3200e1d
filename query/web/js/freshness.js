// Whether the data is live: asks every few seconds while someone looks, and
// says when there is something new.

import { Offline, reports, sql, tables } from "./api.js";
import { byId, el } from "./dom.js";
import { clock, lag } from "./format.js";

const PERIOD = 5000;
/** Further behind than this is worth a colour. */
const BEHIND_SECONDS = 30;
const FAMILIES = ["clickstream", "video", "assessment", "attendance", "tutoring"];

export class Freshness extends EventTarget {
  /** Events by family, as last counted. */
  counts = null;
  /** The moment at which a count was first seen changed, in milliseconds. */
  changedAsOf = 0;

  start() {
    this.stop();
    this.aborter = new AbortController();
    this.#beat(this.aborter.signal);
  }

  stop() {
    this.aborter?.abort();
    clearTimeout(this.timer);
    this.counts = null;
    this.families = null;
    this.changedAsOf = 0;
  }

  async #beat(signal) {
    clearTimeout(this.timer);
    try {
      if (document.visibilityState === "visible") await this.#ask(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Offline) this.#say("offline", "No connection", error.message);
      else this.#say("behind", "Not live", error.message);
    }
    if (!signal.aborted) this.timer = setTimeout(() => this.#beat(signal), PERIOD);
  }

  async #ask(signal) {
    if (!this.families) {
      const names = (await tables(signal)).map(({ name }) => name);
      this.families = FAMILIES.filter((family) => names.includes(family));
    }
    const counts = this.families.map((family) => `(SELECT count(*) FROM ${family}) AS ${family}`);
    const [answer, list] = await Promise.all([sql(`SELECT ${counts.join(", ")}`, [], signal), reports(signal)]);
    const before = this.counts && JSON.stringify(this.counts);
    this.counts = answer.rows[0];
    if (before !== JSON.stringify(this.counts)) {
      if (before) this.changedAsOf = Date.parse(answer.data_as_of);
      this.dispatchEvent(new Event("counts"));
    }
    this.#show(answer.data_as_of, list);
    this.dispatchEvent(new Event("beat"));
  }

  #show(asOf, list) {
    if (!asOf) {
      this.#say("waiting", "Waiting for the first event", "Nothing has been published yet.");
      return;
    }
    const lags = list.map((report) => report.lag_seconds).filter((seconds) => seconds !== null);
    const worst = Math.max(0, ...lags);
    const title = [`Everything answered before ${clock(asOf)} is in the tables.`,
      ...list.map(({ name, data_as_of, lag_seconds }) => `${name}: ${data_as_of ? lag(lag_seconds) : "not there yet"}`)];
    this.#say(worst > BEHIND_SECONDS ? "behind" : "live", `${worst > BEHIND_SECONDS ? "" : "Live · "}${lag(worst)}`, title.join("\n"));
  }

  #say(kind, text, title) {
    const pill = byId("freshness");
    pill.dataset.kind = kind;
    pill.title = title;
    const [brief, word] = text.split(/(?= behind$)/);
    byId("freshness-text").replaceChildren(brief, el("span", { className: "word", textContent: word ?? "" }));
  }

  constructor() {
    super();
    // Whoever comes back sees the present, not what was there when they left.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible" && this.aborter && !this.aborter.signal.aborted) this.start();
    });
    addEventListener("online", () => this.aborter && !this.aborter.signal.aborted && this.start());
  }
}
