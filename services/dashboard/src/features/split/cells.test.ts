import { describe, expect, test } from "vitest";

import {
  advance,
  begin,
  CELLS_PER_SECOND,
  chooseScale,
  difference,
  interleave,
  type Reading,
} from "./cells";

const reading = (at: number, counts: Record<string, number>, since = "t0"): Reading => ({
  at,
  counts,
  since,
});

describe("the difference of two readings", () => {
  test("is what each arm got since", () => {
    expect(difference(reading(0, { a: 5, b: 7 }), reading(1000, { a: 6, b: 9 }))).toEqual({
      a: 1,
      b: 2,
    });
  });

  test("counts an arm that is new from zero", () => {
    expect(difference(reading(0, { a: 5 }), reading(1000, { a: 5, c: 3 }))).toEqual({ a: 0, c: 3 });
  });

  test("counts everything after a change of weights", () => {
    expect(difference(reading(0, { a: 50 }, "t0"), reading(1000, { a: 4 }, "t1"))).toEqual({ a: 4 });
  });

  test("can't be told when a counter fell without a change", () => {
    expect(difference(reading(0, { a: 50 }), reading(1000, { a: 4 }))).toBeNull();
  });

  test("can't be told after the page was away", () => {
    expect(difference(reading(0, { a: 50 }), reading(60_000, { a: 90_000 }))).toBeNull();
  });
});

describe("the scale", () => {
  test.each([
    [0, 1],
    [16, 1],
    [17, 2],
    [33, 5],
    [1000, 100],
    [40_000, 5000],
  ])("of %d requests a second is %d", (rate, scale) => {
    expect(chooseScale(rate, 1)).toBe(scale);
  });

  test("stays when the rate only dips", () => {
    expect(chooseScale(31, 5)).toBe(5);
    expect(chooseScale(12, 5)).toBe(1);
  });
});

describe("advancing", () => {
  test("lights nothing for what was there before the page", () => {
    const [, cells] = advance(begin(reading(0, { a: 900 })), reading(1000, { a: 900 }));
    expect(cells).toEqual([]);
  });

  test("lights a cell for each request while they are few", () => {
    const [, cells] = advance(begin(reading(0, { a: 0, b: 0 })), reading(1000, { a: 2, b: 2 }));
    expect(cells).toEqual(["a", "b", "a", "b"]);
  });

  test("never lights more than an eye can follow, and loses no request on the way", () => {
    let progress = begin(reading(0, { a: 0, b: 0 }));
    let shown = 0;
    for (let second = 1; second <= 20; second++) {
      const [next, cells] = advance(
        progress,
        reading(second * 1000, { a: second * 523, b: second * 477 }),
      );
      expect(cells.length).toBeLessThanOrEqual(CELLS_PER_SECOND + 2);
      progress = next;
      shown += cells.length * next.scale;
    }
    const waiting = Object.values(progress.remainder).reduce((sum, each) => sum + each, 0);
    expect(shown + waiting).toBe(20_000);
  });

  test("starts over after a restart of the proxy", () => {
    const [next, cells] = advance(begin(reading(0, { a: 900 })), reading(1000, { a: 3 }));
    expect(cells).toEqual([]);
    expect(next.reading.counts).toEqual({ a: 3 });
  });
});

test("arms of unequal shares are spread through the second", () => {
  expect(interleave({ a: 4, b: 1 })).toEqual(["a", "a", "b", "a", "a"]);
});
