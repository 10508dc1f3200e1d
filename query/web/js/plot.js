// uPlot's options for what the page draws, in the theme's colours.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The colour that a custom property has now. */
export function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** The same colour, let through in part. */
function faded(rgb, opacity) {
  return rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`);
}

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

function axis(extra) {
  return {
    stroke: () => colour("--muted"),
    font: FONT,
    grid: { stroke: () => colour("--grid"), width: 1 },
    ticks: { show: false },
    ...extra,
  };
}

function drawing({ kind, colour: name }) {
  if (kind === "bars") {
    return { paths: uPlot.paths.bars({ size: [0.8, 28], radius: 0.12 }), fill: () => colour(name), width: 0 };
  }
  return {
    stroke: () => colour(name),
    width: 2,
    ...(kind === "area" ? { fill: () => faded(colour(name), 0.14) } : {}),
  };
}

const DAY = 86400;
const inUtc = (parts) => new Intl.DateTimeFormat(undefined, { ...parts, timeZone: "UTC" });
const YEARS = inUtc({ year: "numeric" });
const MONTHS = inUtc({ month: "short" });
const DAYS = inUtc({ day: "numeric", month: "short" });
const TIMES = inUtc({ hour: "2-digit", minute: "2-digit" });

/** Times at an axis, as coarse as the step between them, with what changes less often in a line below. */
function timeLabels(_, at, axis, space, step) {
  const [upper, lower] = step >= 360 * DAY ? [YEARS] : step >= 28 * DAY ? [MONTHS, YEARS] : step >= DAY ? [DAYS, YEARS] : [TIMES, DAYS];
  let before;
  return at.map((seconds) => {
    const date = new Date(seconds * 1e3);
    const below = lower?.format(date);
    const changed = below !== before;
    before = below;
    return below && changed ? `${upper.format(date)}\n${below}` : upper.format(date);
  });
}

/** Half a step on both sides, so that the first and the last bar are whole. */
function padded({ data: [xs] }, low, high) {
  const step = xs.reduce((least, x, index) => (index ? Math.min(least, x - xs[index - 1]) : least), DAY);
  return [low - step / 2, high + step / 2];
}

/** Steps of days, months and years. */
const WHOLE_DAYS = [1, 2, 3, 4, 5, 7, 10, 15, 30, 60, 90, 180, 365, 730, 1825].map((days) => days * DAY);
/** Steps of what is counted. */
const WHOLE = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** Scales of x by what it is: how its axis writes values. */
const X_AXES = {
  day: { time: true, axis: { space: 70, values: timeLabels, incrs: WHOLE_DAYS }, range: padded },
  time: { time: true, axis: { space: 70, values: timeLabels }, range: padded },
  seconds: { time: false, axis: { space: 60, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600] } },
  number: { time: false, axis: { space: 60 } },
};

/**
 * Options for a chart. `x` is day or time (seconds of UTC since 1970), seconds or
 * number; `format` writes a value of x, `yFormat` one of y; `range` bounds y, and
 * `counts` says that it has no fractions.
 */
export function options({ x, format, yFormat, range, counts, series, height, sync }) {
  const { time, axis: xAxis, range: xRange } = X_AXES[x];
  return {
    width: 320,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    legend: { show: false },
    padding: [10, 8, 0, 0],
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: series.every(({ kind }) => kind !== "bars"), size: 7 },
      sync: sync ? { key: sync, setSeries: false } : undefined,
    },
    scales: {
      x: { time, range: xRange },
      y: { range: range ?? ((_, low, high) => [Math.min(0, low), (high || 1) * 1.06]) },
    },
    axes: [
      axis({ ...xAxis, size: time ? 40 : 30, ...(time ? {} : { values: (_, at) => at.map(format) }) }),
      axis({ size: 46, space: 28, ...(counts ? { incrs: WHOLE } : {}), values: (_, at) => at.map(yFormat) }),
    ],
    series: [{}, ...series.map((one) => ({ ...drawing(one), points: { show: false } }))],
  };
}
