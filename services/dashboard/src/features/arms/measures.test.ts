import { expect, test } from "vitest";

import type { Measure } from "../../api/answers";
import { bandOf, scaleEnd, standing, writeInterval, writeStanding } from "./measures";

const MEASURE: Measure = {
  name: "p99",
  unit: "seconds",
  margin: "a bucket of the histogram",
  arms: {
    a: { estimate: 0.044, interval: [0.025, 0.05], of: 900 },
    b: { estimate: 0.08, interval: [0.05, 0.1], of: 900 },
  },
  differences: [{ first: "a", second: "b", interval: [-0.075, 0], state: "open" }],
  needed: 9400,
};

function judged(...states: ("differs" | "alike" | "open")[]): Measure["differences"] {
  return states.map((state) => ({ first: "a", second: "b", interval: [null, null], state }));
}

test("an interval is written with one unit where one will do", () => {
  expect(writeInterval("seconds", [0.025, 0.05])).toBe("25 – 50 ms");
  expect(writeInterval("seconds", [0.5, 2.5])).toBe("500 ms – 2.5 s");
  expect(writeInterval("seconds", [0, 0.001])).toBe("0 – 1 ms");
  expect(writeInterval("ratio", [0, 0.0013])).toBe("0.00 – 0.13 %");
});

test("an end that is not known is said", () => {
  expect(writeInterval("seconds", [0.05, null])).toBe("50 ms or more");
  expect(writeInterval("seconds", [0, null])).toBe("not known yet");
  expect(writeInterval("seconds", [null, null])).toBe("not known yet");
});

test("one pair that differs is said at once, with what is still missing", () => {
  const measure = { ...MEASURE, differences: judged("alike", "differs", "open") };
  expect(standing(measure)).toBe("differs");
  expect(writeStanding(measure)).toBe(
    "They differ; about 9,400 more requests needed to see a difference of a bucket of the histogram",
  );
});

test("arms are alike when every pair is", () => {
  const measure = { ...MEASURE, differences: judged("alike", "alike") };
  expect(writeStanding(measure)).toBe("Alike, within a bucket of the histogram");
  expect(standing({ ...MEASURE, differences: judged("alike", "open") })).toBe("open");
});

test("what can't be foreseen is too close, or not known", () => {
  const measure = { ...MEASURE, needed: null };
  expect(writeStanding(measure)).toBe("Too close to tell");
  const blind = { estimate: null, interval: [null, null], of: 0 } satisfies Measure["arms"][string];
  expect(writeStanding({ ...measure, arms: { a: blind } })).toBe("Not known yet");
});

test("all arms are drawn on one scale that holds everything", () => {
  const end = scaleEnd(MEASURE);
  expect(end).toBeGreaterThan(0.1);
  const bands = Object.values(MEASURE.arms).map((reading) => bandOf(reading, end));
  expect(bands[0]?.to).toBeCloseTo(bands[1]?.from ?? 0);
  expect(bands[1]?.to).toBeLessThan(100);
});

test("a band without an end reaches the scale's, and nothing known is no band", () => {
  const endless = bandOf({ estimate: 0.06, interval: [0.05, null], of: 9 }, 0.1);
  expect(endless).toMatchObject({ to: 100, endless: true });
  expect(bandOf({ estimate: null, interval: [null, null], of: 0 }, 1)).toBeNull();
});

test("no errors anywhere have a scale all the same", () => {
  const none = { estimate: 0, interval: [0, 0], of: 5 } satisfies Measure["arms"][string];
  expect(scaleEnd({ ...MEASURE, arms: { a: none } })).toBe(1);
});
