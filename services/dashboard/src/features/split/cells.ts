/**
 * Turns the gateway's growing counters into cells to light.
 *
 * The counters say how many requests each arm got since the last reading, not in which order, so
 * cells are spread evenly through the second that follows.
 */

export interface Reading {
  since: string | null;
  counts: Record<string, number>;
  /** When it was read, in milliseconds. */
  at: number;
}

export interface Progress {
  reading: Reading;
  /** How many requests one cell stands for. */
  scale: number;
  /** Requests of each arm that have not filled a cell yet. */
  remainder: Record<string, number>;
}

/** More cells a second than this and an eye loses them. */
export const CELLS_PER_SECOND = 16;

/** After a gap this long the page was away; what went by then is not replayed. */
const GAP_MS = 5_000;

/** The first reading only sets where counting starts. */
export function begin(reading: Reading): Progress {
  return { reading, scale: 1, remainder: {} };
}

/** How many requests came to each arm between two readings; null if that can't be told. */
export function difference(before: Reading, after: Reading): Record<string, number> | null {
  if (after.at - before.at > GAP_MS) return null;
  const fresh = before.since !== after.since;
  const result: Record<string, number> = {};
  for (const [arm, count] of Object.entries(after.counts)) {
    const grown = fresh ? count : count - (before.counts[arm] ?? 0);
    if (grown < 0) return null;
    result[arm] = grown;
  }
  return result;
}

/**
 * The smallest of 1, 2, 5, 10, 20, 50… that keeps the rate within what an eye can follow. The
 * present scale stays until the rate is well below what a finer one allows, so it does not flap.
 */
export function chooseScale(requestsPerSecond: number, present: number): number {
  const fitting = fit(requestsPerSecond);
  return fitting < present ? Math.min(present, fit(requestsPerSecond * 1.3)) : fitting;
}

function fit(requestsPerSecond: number): number {
  for (let power = 1; power < Number.MAX_SAFE_INTEGER; power *= 10) {
    for (const step of [1, 2, 5]) {
      if (requestsPerSecond / (step * power) <= CELLS_PER_SECOND) return step * power;
    }
  }
  return Number.MAX_SAFE_INTEGER;
}

/** Moves on to the next reading; answers the cells it lights, in the order to light them. */
export function advance(progress: Progress, reading: Reading): [Progress, string[]] {
  const grown = difference(progress.reading, reading);
  if (grown === null) return [{ ...begin(reading), scale: progress.scale }, []];

  const total = Object.values(grown).reduce((sum, count) => sum + count, 0);
  const seconds = Math.max(0.25, (reading.at - progress.reading.at) / 1000);
  const scale = total === 0 ? progress.scale : chooseScale(total / seconds, progress.scale);

  const remainder: Record<string, number> = {};
  const cells: Record<string, number> = {};
  for (const [arm, count] of Object.entries(grown)) {
    const waiting = (progress.remainder[arm] ?? 0) + count;
    cells[arm] = Math.floor(waiting / scale);
    remainder[arm] = waiting % scale;
  }
  return [{ reading, scale, remainder }, interleave(cells)];
}

/** Spreads each arm's cells evenly among the others'. */
export function interleave(cells: Record<string, number>): string[] {
  return Object.entries(cells)
    .flatMap(([arm, count]) =>
      Array.from({ length: count }, (_, index) => ({ arm, place: (index + 0.5) / count })),
    )
    .sort((one, other) => one.place - other.place)
    .map(({ arm }) => arm);
}
