/** How numbers and times are written everywhere on the page. */
const LOCALE = "en-GB";

const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" });
const dayAndClock = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "medium" });

export function formatCount(value: number): string {
  return whole.format(value);
}

/** `count` and its noun, which takes an s unless there is one. */
export function plural(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A percentage of a weight: whole if it is whole. */
export function formatPercent(percent: number, digits = 0): string {
  return `${percent.toFixed(Number.isInteger(percent) ? digits : Math.max(digits, 1))} %`;
}

/** A share in 0..1 as a percentage. */
export function formatShare(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** An average to two places, never rounded up to a limit that was not reached. */
export function formatAverage(average: number): string {
  const rounded = average.toFixed(2);
  return rounded === "100.00" && average < 100 ? "99.99" : rounded;
}

export function formatClock(epochMs: number): string {
  return clock.format(epochMs);
}

/** An ISO 8601 moment in the reader's time zone; as it came if it is no moment. */
export function formatMoment(iso: string): string {
  const moment = Date.parse(iso);
  return Number.isNaN(moment) ? iso : dayAndClock.format(moment);
}

/** A short duration to three digits, in milliseconds below a second. */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return "0 ms";
  return seconds < 1 ? `${threeDigits(seconds * 1000)} ms` : `${threeDigits(seconds)} s`;
}

function threeDigits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A duration with a unit a person would use. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}
