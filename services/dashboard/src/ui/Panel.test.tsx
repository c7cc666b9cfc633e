import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

import { Panel, type Reading } from "./Panel";

const WAITING: Reading<number[]> = { data: undefined, error: null, isPending: true, dataUpdatedAt: 0 };

function shown(reading: Reading<number[]>, waitingFor: string | null = null) {
  render(
    <Panel
      title="Numbers"
      reading={reading}
      waitingFor={waitingFor}
      empty={(data) => (data.length === 0 ? "No numbers yet." : null)}
    >
      {(data) => <p>Sum {data.reduce((one, other) => one + other, 0)}</p>}
    </Panel>,
  );
  return screen.getByRole("region", { name: "Numbers" });
}

test("loading is said", () => {
  expect(shown(WAITING).textContent).toContain("Loading…");
});

test("a missing choice is asked for", () => {
  expect(shown(WAITING, "Choose one.").textContent).toContain("Choose one.");
});

test("an error is said, with its reason", () => {
  expect(shown({ ...WAITING, error: new Error("It broke.") }).textContent).toContain(
    "Not available. It broke.",
  );
});

test("emptiness is said", () => {
  expect(shown({ ...WAITING, data: [] }).textContent).toContain("No numbers yet.");
});

test("old data stays, and is called stale", () => {
  const text = shown({ ...WAITING, data: [1, 2], error: new Error("It broke.") }).textContent;
  expect(text).toContain("Stale.");
  expect(text).toContain("Sum 3");
});
