import { expect, test } from "vitest";

import { formatAverage, formatCount, formatDuration, formatPercent, formatSeconds, formatShare, plural } from "./format";

test("counts have separators and nouns their plural", () => {
  expect(formatCount(1234567)).toBe("1,234,567");
  expect(plural(1, "request")).toBe("1 request");
  expect(plural(0, "request")).toBe("0 requests");
});

test("an average below the top is never shown as the top", () => {
  expect(formatAverage(99.999)).toBe("99.99");
  expect(formatAverage(100)).toBe("100.00");
});

test("percentages are whole where they are whole", () => {
  expect(formatPercent(50)).toBe("50 %");
  expect(formatPercent(33.3333)).toBe("33.3 %");
  expect(formatShare(0.5012, 2)).toBe("50.12 %");
});

test("durations have a unit a person would use", () => {
  expect(formatSeconds(0.34)).toBe("0.3 s");
  expect(formatSeconds(61)).toBe("61 s");
  expect(formatSeconds(600)).toBe("10 min");
});

test("short durations have three digits", () => {
  expect(formatDuration(0)).toBe("0 ms");
  expect(formatDuration(0.0007976)).toBe("0.798 ms");
  expect(formatDuration(0.025)).toBe("25 ms");
  expect(formatDuration(2.5)).toBe("2.5 s");
});
