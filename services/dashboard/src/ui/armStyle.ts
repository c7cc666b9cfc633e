import type { CSSProperties } from "react";

import { inkOn } from "./contrast";

const PATTERNS = ["solid", "diagonal", "dots", "cross", "rows", "columns"] as const;
export type Pattern = (typeof PATTERNS)[number];

/** The pattern that marks the arm in this place, so that arms differ without colour. */
export function patternOf(index: number): Pattern {
  return PATTERNS[index % PATTERNS.length] ?? "solid";
}

/** An arm's colour and the ink legible on it, as the custom properties arm.css reads. */
export function armColors(color: string): CSSProperties {
  return { "--arm": color, "--arm-ink": inkOn(color) } as CSSProperties;
}
