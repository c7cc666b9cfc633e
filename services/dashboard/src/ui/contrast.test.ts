import { expect, test } from "vitest";

import { contrast, inkOn } from "./contrast";

test("black on white is the most there is", () => {
  expect(contrast("#000", "#ffffff")).toBeCloseTo(21);
});

test("whatever colour an arm has, the ink on it is legible", () => {
  for (let red = 0; red < 256; red += 15) {
    for (let green = 0; green < 256; green += 15) {
      for (let blue = 0; blue < 256; blue += 15) {
        const hex = `#${[red, green, blue].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
        expect(contrast(hex, inkOn(hex)), hex).toBeGreaterThanOrEqual(4.5);
      }
    }
  }
});
