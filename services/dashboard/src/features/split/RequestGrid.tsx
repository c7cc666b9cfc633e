import { memo, useMemo } from "react";

import type { Arm, Split } from "../../api/answers";
import { ArmSwatch } from "../../ui/ArmSwatch";
import { armColors, patternOf } from "../../ui/armStyle";
import { formatCount, formatShare, plural } from "../../ui/format";
import { useMediaQuery } from "../../ui/useMediaQuery";
import { ShareBar } from "./ShareBar";
import { CELLS, useCells, type Cells } from "./useCells";

interface RequestGridProps {
  arms: Arm[];
  observed: Split["observed"];
  readAt: number;
}

/** Requests as they are counted, a cell each (or for each so many), and what the last ones were. */
export function RequestGrid({ arms, observed, readAt }: RequestGridProps) {
  const calm = useMediaQuery("(prefers-reduced-motion: reduce)");
  const reading = useMemo(
    () => ({ since: observed.since, counts: observed.counts, at: readAt }),
    [observed, readAt],
  );
  const cells = useCells(reading, calm);
  const places = new Map(arms.map((arm, index) => [arm.name, index]));
  const last = lastRequests(cells);

  return (
    <div className="request-grid">
      <div className="grid-head">
        <h4>Requests as they come</h4>
        <p className="hint">1 cell = {plural(cells.scale, "request")}</p>
      </div>
      <div className="grid-cells" aria-hidden="true" data-testid="request-grid">
        {cells.ring.map((cell, index) => {
          const place = cell === null ? undefined : places.get(cell.arm);
          return (
            <GridCell
              key={index} // a cell is its place in the grid
              color={place === undefined ? null : (arms[place]?.color ?? null)}
              place={place ?? 0}
              newest={cell !== null && index === (cells.next + CELLS - 1) % CELLS}
            />
          );
        })}
      </div>
      <div className="grid-last">
        <p className="grid-last-label">
          {last.total === 0
            ? "Waiting for the next requests…"
            : `Of the last ${formatCount(last.total)} requests`}
        </p>
        <ShareBar arms={arms} shares={last.shares} />
        <ul className="grid-legend">
          {arms.map((arm, index) => (
            <li key={arm.name}>
              <span className="arm-name">
                <ArmSwatch color={arm.color} index={index} />
                <bdi title={arm.name}>{arm.name}</bdi>
              </span>
              <span>{last.total === 0 ? "–" : formatShare(last.shares[arm.name] ?? 0)}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

interface GridCellProps {
  color: string | null;
  place: number;
  newest: boolean;
}

const GridCell = memo(function GridCell({ color, place, newest }: GridCellProps) {
  if (color === null) return <span className="cell" />;
  return (
    <span
      className={`cell arm-fill arm-${patternOf(place)}`}
      data-lit=""
      data-newest={newest || undefined}
      style={armColors(color)}
    />
  );
});

function lastRequests({ ring }: Cells): { total: number; shares: Record<string, number> } {
  const byArm: Record<string, number> = {};
  let total = 0;
  for (const cell of ring) {
    if (cell === null) continue;
    byArm[cell.arm] = (byArm[cell.arm] ?? 0) + cell.requests;
    total += cell.requests;
  }
  const shares = Object.fromEntries(
    Object.entries(byArm).map(([arm, requests]) => [arm, requests / total]),
  );
  return { total, shares };
}
