import type { Arm } from "../../api/answers";
import { armColors, patternOf } from "../../ui/armStyle";

interface ShareBarProps {
  arms: Arm[];
  /** Each arm's part, in any unit; the bar shows proportions. Null: not known. */
  shares: Record<string, number> | null;
  /** Each part's number, drawn where there is room for it. */
  write?: (arm: Arm) => string;
}

/** A narrower part than this has no room for its number. */
const LABELLED = 0.14;

/** One bar of all arms. A picture only: the numbers always stand in text beside it. */
export function ShareBar({ arms, shares, write }: ShareBarProps) {
  const part = (arm: Arm) => shares?.[arm.name] ?? 0;
  const whole = arms.reduce((sum, arm) => sum + part(arm), 0);
  return (
    <div className="share-bar" data-empty={whole === 0 || undefined} aria-hidden="true">
      {whole > 0 &&
        arms.map((arm, index) => (
          <span
            key={arm.name}
            className={`share-part arm-fill arm-${patternOf(index)}`}
            style={{ ...armColors(arm.color), flexGrow: part(arm) / whole }}
          >
            {write && part(arm) / whole >= LABELLED && (
              <span className="share-label">{write(arm)}</span>
            )}
          </span>
        ))}
    </div>
  );
}
