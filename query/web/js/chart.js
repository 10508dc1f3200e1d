// A chart with its legend and tip, for mouse, touch and keyboard.

import { el } from "./dom.js";
import { options } from "./plot.js";

/** Cumulative columns, so that bars stand on each other. */
function stacked(columns) {
  const sums = [];
  columns.forEach((column, index) => {
    sums.push(column.map((value, at) => (value ?? 0) + (index ? sums[index - 1][at] : 0)));
  });
  return sums;
}

/**
 * Draws series over x. Each series is `{label, values, colour, kind, format}`
 * with kind line, area or bars; `x` is `{kind, values, format, title}`; `extra`
 * series are told in the tip only. Drawing again with the same shape changes no
 * more than the numbers.
 */
export class Chart {
  constructor(root, { label, table, height = 200, sync, stack = false, yFormat, range, counts }) {
    Object.assign(this, { root, sync, stack, height, yFormat, range, counts });
    // Reading along x is what a slider does: screen readers pass it the keys and say the value.
    this.plot = el("div", {
      className: "plot", role: "slider", tabIndex: 0, "aria-roledescription": "chart", "aria-orientation": "horizontal",
      "aria-label": label, "aria-details": table, "aria-valuemin": 0,
    });
    this.tip = el("div", { className: "tip", hidden: true, "aria-hidden": "true" });
    this.legend = el("ul", { className: "legend" });
    root.classList.add("chart");
    root.replaceChildren(this.plot, this.legend, this.tip);
    this.label = label;
    this.plot.addEventListener("keydown", (event) => this.#key(event));
    this.plot.addEventListener("blur", () => this.#hide());
    new ResizeObserver(() => this.#resize()).observe(root);
    document.addEventListener("themechange", () => this.uplot?.redraw(true, true));
  }

  draw({ x, series, extra = [], summary }) {
    const shape = JSON.stringify([x.kind, series.map(({ label, colour, kind }) => [label, colour, kind])]);
    this.x = x;
    this.told = [...series, ...extra];
    const columns = series.map(({ values }) => values);
    // The tallest of a stack is drawn first, behind the others.
    const data = [x.values, ...(this.stack ? stacked(columns).reverse() : columns)];
    this.plot.setAttribute("aria-label", [this.label, summary].filter(Boolean).join(". "));
    this.plot.setAttribute("aria-valuemax", Math.max(0, x.values.length - 1));
    this.#say(Math.min(this.at ?? 0, x.values.length - 1));
    if (this.uplot && shape === this.shape) {
      this.uplot.setData(data);
      return;
    }
    this.shape = shape;
    this.uplot?.destroy();
    const drawn = this.stack ? [...series].reverse() : series;
    const wanted = options({
      x: x.kind, format: x.format, yFormat: this.yFormat ?? series[0].format, range: this.range, counts: this.counts,
      series: drawn, height: this.height, sync: this.sync,
    });
    wanted.width = this.#width();
    wanted.hooks = { setCursor: [() => this.#point()] };
    this.uplot = new uPlot(wanted, data, this.plot);
    this.legend.hidden = series.length < 2;
    this.legend.replaceChildren(...series.map(({ label, colour }) =>
      el("li", {}, el("span", { className: "swatch", "--swatch": `var(${colour})` }), label)));
  }

  #width() {
    return Math.max(200, Math.floor(this.root.clientWidth));
  }

  #resize() {
    if (this.uplot && this.root.clientWidth) this.uplot.setSize({ width: this.#width(), height: this.height });
  }

  #hide() {
    this.tip.hidden = true;
    this.at = null;
  }

  /** The values at one x, in words. */
  #say(at) {
    const parts = this.told.map(({ label, values, format }) => `${label}: ${format(values[at])}`);
    this.plot.setAttribute("aria-valuenow", at);
    this.plot.setAttribute("aria-valuetext", [this.#title(at), ...parts].join(", "));
  }

  #title(at) {
    return (this.x.title ?? this.x.format)(this.x.values[at]);
  }

  #point() {
    const { idx, left } = this.uplot.cursor;
    if (idx === null || idx === undefined || left < 0) {
      this.#hide();
      return;
    }
    this.at = idx;
    this.#say(idx);
    this.tip.replaceChildren(el("b", { textContent: this.#title(idx) }),
      ...this.told.map(({ label, values, format, colour }) => el("div", {},
        el("span", {}, el("span", { className: "swatch", "--swatch": `var(${colour})` }), label),
        el("span", { textContent: format(values[idx]) }))));
    this.tip.hidden = false;
    const over = this.uplot.over;
    const x = over.offsetLeft + left;
    const right = x + 14 + this.tip.offsetWidth > this.root.clientWidth;
    const place = right ? Math.max(0, x - 14 - this.tip.offsetWidth) : x + 14;
    this.tip.style.transform = `translate(${place}px, ${over.offsetTop + 4}px)`;
  }

  #key(event) {
    const last = this.x.values.length - 1;
    const at = this.at ?? -1;
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageDown: at - 10, PageUp: at + 10, Home: 0, End: last,
    }[event.key];
    if (event.key === "Escape") this.uplot.setCursor({ left: -10, top: -10 });
    if (to === undefined) return;
    event.preventDefault();
    const value = this.x.values[Math.min(last, Math.max(0, to))];
    this.uplot.setCursor({ left: this.uplot.valToPos(value, "x"), top: 10 });
  }
}
