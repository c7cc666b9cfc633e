import { expect, test } from "vitest";

import { courseResults, readLiveMessage, split } from "./answers";

const SPLIT = {
  arms: [{ name: "a", host: "x", color: "#1f6feb" }],
  asked: { a: 100 },
  configured: { a: 100 },
  applied: null,
  configuration_error: null,
  observed: { since: "2026-01-01T00:00:00Z", requests: 0, counts: { a: 0 }, shares: { a: 0 } },
  verdict: {
    state: "insufficient",
    confidence: 0.95,
    tolerance: 0.02,
    intervals: { a: [0, 1] },
    needed: 4000,
    text: "Too few.",
  },
};

test("a split without a proxy is an answer", () => {
  expect(split.parse(SPLIT).applied).toBeNull();
});

test("a colour that is no plain hexadecimal one becomes grey", () => {
  const arms = [{ name: "a", host: "x", color: "url(//elsewhere)" }];
  expect(split.parse({ ...SPLIT, arms }).arms[0]?.color).toBe("#808890");
});

test("fields that are new are no reason to refuse an answer", () => {
  expect(split.safeParse({ ...SPLIT, later: 1 }).success).toBe(true);
});

test.each([{}, null, { passed: "3" }, { course: "c", year: 1, semester: "s", passed: -1, failed: 0 }])(
  "results of another shape are refused: %j",
  (body) => {
    expect(courseResults.safeParse(body).success).toBe(false);
  },
);

test("snapshots, updates and errors are read", () => {
  const figures = { total: 3, selection: null, behind: 0 };
  expect(readLiveMessage(JSON.stringify({ type: "snapshot", ...figures }))).toMatchObject(figures);
  expect(readLiveMessage(JSON.stringify({ type: "update", ...figures }))).toMatchObject(figures);
  expect(readLiveMessage('{"type":"error","detail":"no"}')).toEqual({ type: "error", detail: "no" });
});

test.each(["", "{", "[]", '{"type":"later"}', '{"type":"update"}', new ArrayBuffer(2)])(
  "a frame this page does not know is ignored: %s",
  (frame) => {
    expect(readLiveMessage(frame)).toBeNull();
  },
);
