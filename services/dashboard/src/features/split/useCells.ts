import { useEffect, useRef, useState } from "react";

import { advance, begin, type Progress, type Reading } from "./cells";

export const CELLS = 240;
const TICK_MS = 50;
const SPREAD_MS = 950;

export interface Cell {
  arm: string;
  /** How many requests it stands for. */
  requests: number;
}

export interface Cells {
  /** A ring: the cell at `next` is the oldest, and the next to be lit. */
  ring: (Cell | null)[];
  next: number;
  scale: number;
}

const DARK: Cells = { ring: Array.from({ length: CELLS }, () => null), next: 0, scale: 1 };

/** Lights the queue's first cells. */
function light(cells: Cells, lit: string[], scale: number): Cells {
  if (lit.length === 0 && scale === cells.scale) return cells;
  const ring = [...cells.ring];
  let next = cells.next;
  for (const arm of lit) {
    ring[next] = { arm, requests: scale };
    next = (next + 1) % CELLS;
  }
  return { ring, next, scale };
}

/** Lights cells as requests are counted: one by one, or all of a second at once when `calm`. */
export function useCells(reading: Reading | null, calm: boolean): Cells {
  const [cells, setCells] = useState(DARK);
  const progress = useRef<Progress | null>(null);
  const queue = useRef<string[]>([]);
  const perTick = useRef(0);

  useEffect(() => {
    if (reading === null) return;
    if (progress.current === null) {
      progress.current = begin(reading);
      return;
    }
    const [next, lit] = advance(progress.current, reading);
    progress.current = next;
    // What the last second left is lit with this one's, and never more than the grid holds.
    queue.current = [...queue.current, ...lit].slice(-CELLS);
    perTick.current = queue.current.length / (SPREAD_MS / TICK_MS);
  }, [reading]);

  useEffect(() => {
    let due = 0;
    const timer = window.setInterval(
      () => {
        if (progress.current === null) return;
        const scale = progress.current.scale;
        due = calm ? Infinity : Math.min(due + perTick.current, CELLS);
        const lit = queue.current.splice(0, Math.floor(Math.min(due, queue.current.length)));
        due = queue.current.length === 0 ? 0 : due - lit.length;
        setCells((before) => light(before, lit, scale));
      },
      calm ? 1_000 : TICK_MS,
    );
    return () => {
      window.clearInterval(timer);
    };
  }, [calm]);

  return cells;
}
