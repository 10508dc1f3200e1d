// Whether a result can be drawn, and as what.

import { bars } from "./bars.js";
import { Chart } from "./chart.js";
import { el } from "./dom.js";
import { moment, number, short, weekday } from "./format.js";
import { isNumber, plain } from "./table.js";

const POINTS = 5000;
const BARS = 25;
const COLOURS = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];

const isTime = (type) => /^(date|timestamp)/.test(type);
const isText = (type) => type === "text" || type === "boolean";
const seconds = (value) => Date.parse(/^\d{4}-\d\d-\d\d$/.test(value) || /(Z|[+-]\d\d:\d\d)$/.test(value) ? value : `${value}Z`) / 1e3;

/** Rows by x: `{xs, series: [{label, values}]}`, or null when an x stands twice in one series. */
function arrange(rows, at, x, names, split) {
  const xs = [...new Set(rows.map((row) => at(row[x])))].filter(Number.isFinite).sort((a, b) => a - b);
  const place = new Map(xs.map((value, index) => [value, index]));
  const series = new Map();
  for (const row of rows) {
    const index = place.get(at(row[x]));
    if (index === undefined) continue;
    for (const name of names) {
      const label = split ? plain(row[split]) ?? "null" : name;
      if (!series.has(label)) series.set(label, Array(xs.length).fill(null));
      const values = series.get(label);
      if (values[index] !== null) return null;
      values[index] = row[name] === null ? null : Number(row[name]);
    }
  }
  if (series.size > COLOURS.length) return null;
  return { xs, series: [...series].map(([label, values]) => ({ label, values })) };
}

/** Breaks lines where nothing is known for long: a straight line over a summer would say otherwise. */
function broken({ xs, series }) {
  const steps = xs.slice(1).map((value, index) => value - xs[index]).sort((a, b) => a - b);
  const usual = steps[Math.floor(steps.length / 2)];
  const gaps = new Set(xs.flatMap((value, index) => (index && value - xs[index - 1] > 6 * usual ? [index] : [])));
  const widen = (values, within) => values.flatMap((value, index) => (gaps.has(index) ? [within(index), value] : [value]));
  return {
    xs: widen(xs, (index) => xs[index - 1] + usual),
    series: series.map(({ label, values }) => ({ label, values: widen(values, () => null) })),
  };
}

/** A line per number over a date, a time or a rising number. */
function lines(columns, rows) {
  if (rows.length < 2 || rows.length > POINTS) return null;
  const numbers = columns.filter(({ type }) => isNumber(type)).map(({ name }) => name);
  const texts = columns.filter(({ type }) => isText(type)).map(({ name }) => name);
  const time = columns.find(({ type }) => isTime(type));
  const rising = isNumber(columns[0].type) && rows.every((row, index) => index === 0 || Number(rows[index - 1][columns[0].name]) < Number(row[columns[0].name]));
  const x = time?.name ?? (rising ? columns[0].name : null);
  const ys = numbers.filter((name) => name !== x).slice(0, COLOURS.length);
  if (!x || !ys.length || (texts.length && ys.length > 1) || texts.length > 1) return null;
  const arranged = arrange(rows, time ? seconds : Number, x, ys, texts[0]);
  return arranged && arranged.xs.length > 1 ? { ...broken(arranged), timed: Boolean(time) } : null;
}

function drawLines(root, { xs, series, timed }) {
  const box = el("div");
  root.append(box);
  const chart = new Chart(box, { label: "The result as a chart", table: "sql-result", height: 210, yFormat: short });
  const whole = xs.every((at) => at % 86400 === 0);
  const format = timed ? (at) => (whole ? weekday : moment)(at * 1e3) : number;
  chart.draw({
    x: { kind: timed ? (whole ? "day" : "time") : "number", values: xs, format },
    series: series.map(({ label, values }, index) => ({ label, values, colour: COLOURS[index], kind: series.length === 1 ? "area" : "line", format: number })),
  });
}

/** A bar per row when the first text names the row and there is one number to compare. */
function drawBars(root, columns, rows) {
  const name = columns.find(({ type }) => isText(type))?.name;
  const value = columns.find(({ type }) => isNumber(type))?.name;
  if (!name || !value || rows.length < 2 || rows.length > BARS) return;
  const values = rows.map((row) => Number(row[value]));
  const most = Math.max(...values);
  if (!(most > 0) || values.some((one) => one < 0)) return;
  root.append(el("h3", { textContent: value }), bars(rows.map((row, index) => ({
    name: plain(row[name]) ?? "null", share: values[index] / most, text: number(values[index]),
  }))));
}

/** Draws the result into `root` when a chart says something about it. */
export function resultChart(root, columns, rows) {
  const found = lines(columns, rows);
  if (found) drawLines(root, found);
  else drawBars(root, columns, rows);
}
