/** How a measure of the arms is called, written and drawn. */
import type { Measure, Reading } from "../../api/answers";
import { formatCount, formatDuration } from "../../ui/format";

interface Words {
  title: string;
  meaning: string;
}

export const WORDS: Record<Measure["name"], Words> = {
  errors: { title: "Errors", meaning: "5xx, as the gateway counts" },
  p50: { title: "p50", meaning: "half of the requests are faster" },
  p99: { title: "p99", meaning: "99 of 100 requests are faster" },
  cpu: { title: "CPU per record", meaning: "in all of an arm’s services" },
};

export function writeValue(unit: Measure["unit"], value: number): string {
  return unit === "seconds" ? formatDuration(value) : writeShare(value);
}

/** What is known of where the value lies; an end that is not known is said in words. */
export function writeInterval(unit: Measure["unit"], [low, high]: Reading["interval"]): string {
  if (high === null) {
    return low === null || low === 0 ? "not known yet" : `${writeValue(unit, low)} or more`;
  }
  if (unit === "ratio") return `${percent(low ?? 0)} – ${percent(high)} %`;
  const [from, to] = [writeValue(unit, low ?? 0), writeValue(unit, high)];
  const [amount, sameUnit] = [from.split(" ")[0] ?? "", from.split(" ")[1] === to.split(" ")[1]];
  return sameUnit ? `${amount} – ${to}` : `${from} – ${to}`;
}

export type Standing = "differs" | "alike" | "open";

/** What is known of all arms in a measure: one pair that differs is worth saying at once. */
export function standing({ differences }: Measure): Standing {
  if (differences.some(({ state }) => state === "differs")) return "differs";
  return differences.every(({ state }) => state === "alike") ? "alike" : "open";
}

export function writeStanding(measure: Measure): string {
  const known = standing(measure);
  const open = measure.differences.some(({ state }) => state === "open");
  const parts = [];
  if (known === "differs") parts.push("They differ");
  if (known === "alike") parts.push(`Alike, within ${measure.margin}`);
  if (open) parts.push(writeMissing(measure));
  const text = parts.join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function writeMissing({ needed, arms, margin }: Measure): string {
  if (needed !== null) {
    return `about ${formatCount(needed)} more requests needed to see a difference of ${margin}`;
  }
  return Object.values(arms).every(isKnown) ? "too close to tell" : "not known yet";
}

/** Whether an interval says anything: none that begins at nothing and ends nowhere, or at all, does. */
function isKnown({ of, interval: [low, high] }: Reading): boolean {
  return of > 0 && ((low ?? 0) > 0 || (high !== null && high !== 1));
}

/** Where the scale of a measure's bars ends: a little beyond everything that is to be seen. */
export function scaleEnd({ arms }: Measure): number {
  const ends = Object.values(arms).flatMap(({ estimate, interval: [, high] }) => [
    estimate ?? 0,
    high ?? 0,
  ]);
  return Math.max(...ends, 0) * 1.08 || 1;
}

export interface Band {
  /** Percent of the scale. */
  from: number;
  to: number;
  at: number | null;
  /** Whether the band's end is not known. */
  endless: boolean;
}

/** The places of an arm's interval and estimate on the scale; null if nothing is known. */
export function bandOf({ estimate, interval: [low, high] }: Reading, end: number): Band | null {
  if (estimate === null && high === null && !low) return null;
  const place = (value: number) => Math.min(100, (100 * value) / end);
  return {
    from: place(low ?? 0),
    to: high === null ? 100 : place(high),
    at: estimate === null ? null : place(estimate),
    endless: high === null,
  };
}

function writeShare(share: number): string {
  return `${percent(share)} %`;
}

function percent(share: number): string {
  return (share * 100).toFixed(2);
}
