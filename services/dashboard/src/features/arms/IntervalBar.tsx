import { armColors, patternOf } from "../../ui/armStyle";
import type { Band } from "./measures";

interface IntervalBarProps {
  band: Band | null;
  color: string;
  index: number;
}

/** An interval as a band and its estimate as a mark. A picture only: the text stands beside it. */
export function IntervalBar({ band, color, index }: IntervalBarProps) {
  return (
    <span className="interval-bar" data-empty={band === null || undefined} aria-hidden="true">
      {band !== null && (
        <span
          className={`interval-band arm-fill arm-${patternOf(index)}`}
          data-endless={band.endless || undefined}
          style={{
            ...armColors(color),
            insetInlineStart: `${band.from}%`,
            inlineSize: `${band.to - band.from}%`,
          }}
        />
      )}
      {band?.at != null && (
        <span className="interval-mark" style={{ insetInlineStart: `${band.at}%` }} />
      )}
    </span>
  );
}
