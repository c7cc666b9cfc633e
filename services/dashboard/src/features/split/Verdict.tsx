import type { Split } from "../../api/answers";
import { formatCount, formatMoment, formatPercent } from "../../ui/format";
import { verdictTitle } from "./verdictTitle";

const MARKS = { agrees: "✓", disagrees: "✕", insufficient: "…" } as const;

/**
 * Whether what was observed agrees with what was asked, in the reporter's own sentence, which
 * also says how many more requests a verdict needs.
 */
export function Verdict({ split }: { split: Split }) {
  const { verdict, observed } = split;
  return (
    <div className="verdict" data-state={verdict.state} data-testid="verdict">
      <span className="verdict-mark" aria-hidden="true">
        {MARKS[verdict.state]}
      </span>
      <div className="verdict-text">
        <h4>{verdictTitle(verdict.state)}</h4>
        <p>{verdict.text.replaceAll(" %", "\u00a0%")}</p>
        <p className="hint">
          {formatCount(observed.requests)} {observed.unit}
          {observed.since !== null && ` since ${formatMoment(observed.since)}`} · tolerance ±
          {formatCount(verdict.tolerance * 100)} points ·{" "}
          {formatPercent(verdict.confidence * 100)} confidence, however often one looks
        </p>
      </div>
    </div>
  );
}
