// A section of the page and the states it can be in.

import { Offline } from "./api.js";
import { announce, el } from "./dom.js";
import { reader } from "./reader.js";

/** What a section shows instead of content when there is none. */
export class Empty {
  /**
   * `plain` tells everybody what would be there. `advice`, text and elements, tells
   * those who look after what is sent what to do about it, in its place.
   */
  constructor(title, plain, ...advice) {
    this.title = title;
    this.plain = plain;
    this.advice = advice;
  }

  partsFor({ keeps, hidden }) {
    return keeps && this.advice.length ? this.advice : [this.plain, hidden].filter(Boolean);
  }
}

/**
 * Loads and shows one part of the page. A part says how to `fetch` its data and
 * how to `draw` it; drawing may return an Empty instead.
 *
 * `data-state` is loading, ready, empty, error, forbidden or absent, when the role
 * sees none of its tables; `data-ready` turns true when what was drawn is on the
 * screen.
 */
export class Section {
  /** Up to when the data shown is complete, in milliseconds. */
  asOf = null;

  constructor(id) {
    this.root = document.getElementById(id);
    this.notice = this.root.querySelector("[data-notice]");
    this.content = this.root.querySelector("[data-content]");
  }

  /** Loads it anew. A quiet load changes nothing until the new data is there. */
  async load(quiet = false) {
    this.aborter?.abort();
    const aborter = new AbortController();
    this.aborter = aborter;
    if (!quiet) this.#loading();
    try {
      const [data, known] = await Promise.all([this.fetch(aborter.signal), reader()]);
      this.reader = known;
      if (!aborter.signal.aborted) this.#show(data);
    } catch (error) {
      if (error.name === "AbortError" || aborter.signal.aborted) return;
      this.#fail(error, quiet);
    } finally {
      if (this.aborter === aborter) this.aborter = null;
    }
  }

  /** Loads what the reader chose: what is shown stays, dimmed, until then. */
  reload() {
    this.root.setAttribute("aria-busy", "true");
    this.load(true);
  }

  #show({ data_as_of, lag_seconds, ...data }) {
    this.asOf = data_as_of ? Date.parse(data_as_of) : null;
    const drawn = JSON.stringify(data);
    if (drawn === this.drawn && this.root.dataset.state === "ready") {
      // Nothing moves under the reader's eyes when nothing changed.
      this.#state("ready");
      return;
    }
    this.content.hidden = false;
    const boxes = () => [...this.content.querySelectorAll(".scroll")];
    const places = boxes().map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop]);
    const outcome = this.draw(data);
    boxes().forEach((box, index) => box.scrollTo(...(places[index] ?? [0, 0])));
    this.drawn = drawn;
    if (outcome instanceof Empty) this.#empty(outcome);
    else this.#state("ready");
  }

  get loading() {
    return Boolean(this.aborter);
  }

  /** Whether what it shows is older than `changed`, or failed for a reason that may be gone. */
  isStale(changed) {
    const { state } = this.root.dataset;
    if (this.failure) return this.failure instanceof Offline || this.failure.status >= 429;
    return (state === "ready" || state === "empty") && (this.asOf === null || this.asOf < changed);
  }

  /** Stops what is under way. */
  abandon() {
    this.aborter?.abort();
    this.asOf = null;
    this.drawn = null;
  }

  /** Takes it from the page with the way to it, or puts both back. */
  #present(is) {
    this.root.hidden = !is;
    const way = document.querySelector(`nav a[href="#${this.root.id}"]`);
    if (way) way.hidden = !is;
  }

  #loading() {
    this.failure = null;
    this.#present(true);
    this.content.hidden = true;
    this.root.dataset.ready = "false";
    this.root.dataset.state = "loading";
    this.root.setAttribute("aria-busy", "true");
    this.notice.replaceChildren(el("div", { className: "skeleton", "aria-hidden": "true" },
      el("span"), el("span"), el("span"), this.root.className === "overview" ? el("span") : null), el("span", { className: "unseen", textContent: "Loading" }));
  }

  #state(state, ...notice) {
    if (state !== "error") this.failure = null;
    this.content.hidden = state !== "ready";
    this.notice.replaceChildren(...notice);
    this.root.dataset.state = state;
    this.root.removeAttribute("aria-busy");
    // The second frame begins when the first has been painted.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      this.root.dataset.ready = "true";
      performance.mark(`${this.root.id}-${state}`);
    }));
  }

  #empty(empty) {
    this.#state("empty", el("div", { className: "state" }, el("strong", { textContent: empty.title }),
      ...empty.partsFor(this.reader).map((part) => (typeof part === "string" ? el("p", { textContent: part }) : part))));
  }

  #fail(error, quiet) {
    this.failure = error;
    if (error.code === "table_not_shown" && !this.complaint) {
      this.#state("absent");
      this.#present(false);
      return;
    }
    const retry = (text) => el("button", { type: "button", textContent: text, onclick: () => this.load() });
    if (quiet && this.root.dataset.state === "ready") {
      // What is shown is still true, only older.
      this.root.removeAttribute("aria-busy");
      const again = retry("Try again");
      again.className = "link";
      this.notice.replaceChildren(el("p", { className: "stale", role: "status" }, `Not updated: ${error.message} `, again));
      return;
    }
    // Of a statement 403 says that it is none that reads: see its sentence.
    const forbidden = error.status === 403 && !this.complaint;
    const again = error instanceof Offline && !this.complaint ? " This page tries again by itself." : "";
    this.#state(forbidden ? "forbidden" : "error", el("div", { className: forbidden ? "state" : "state bad", role: "alert" },
      el("strong", { textContent: forbidden ? "You may not see this" : this.complaint ?? "This could not be loaded" }),
      el("p", { textContent: error.message + again }),
      ...(error.parts ?? []).filter((part) => part !== error.message).map((part) => el("p", { textContent: part })),
      error.traceId ? el("p", { className: "trace", textContent: `${error.code} · trace ${error.traceId}` }) : null,
      forbidden || this.complaint ? null : retry("Try again")));
    if (!(error instanceof Offline)) announce(error.message);
  }
}
