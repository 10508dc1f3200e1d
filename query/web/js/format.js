// Numbers, times and durations as people read them, in their own locale.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const dayFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const hourFormat = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "numeric", minute: "2-digit" });
const clockFormat = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

const momentFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

const NOTHING = "–";
const known = (write) => (value) => (value === null || value === undefined || Number.isNaN(value) ? NOTHING : write(value));

export const count = known((value) => whole.format(value));
export const number = known((value) => precise.format(value));
export const short = known((value) => compact.format(value));
/** A fraction 0..1. */
export const percent = known((value) => share.format(value));
/** A calendar day, `2026-09-14`. */
export const day = known((value) => dayFormat.format(new Date(value)));
export const weekday = known((value) => weekdayFormat.format(new Date(value)));
/** A moment, in the reader's time zone. */
export const hour = known((value) => hourFormat.format(new Date(value)));
export const clock = known((value) => clockFormat.format(new Date(value)));
export const timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A moment, in UTC. */
export const moment = known((value) => momentFormat.format(new Date(value)));

/** Seconds as m:ss or h:mm:ss. */
export const duration = known((seconds) => {
  const total = Math.round(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60)];
  return hours ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
});

/** How far behind, in words. */
export const lag = known((seconds) => {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s behind`;
  if (seconds < 90) return `${Math.round(seconds)} s behind`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min behind`;
  return `${Math.round(seconds / 3600)} h behind`;
});

/** A long id, its beginning and end. */
export const brief = known((id) => (id.length > 24 ? `${id.slice(0, 10)}…${id.slice(-6)}` : id));
