import type { Arm } from "../../api/answers";
import { armColors, patternOf } from "../../ui/armStyle";

interface ShareBarProps {
  arms: Arm[];
  /** Each arm's part, in any unit; the bar shows proportions. Null: not known. */
  shares: Record<string, number> | null;
}

/** One bar of all arms. A picture only: the numbers always stand in text beside it. */
export function ShareBar({ arms, shares }: ShareBarProps) {
  const known = shares !== null && arms.some((arm) => (shares[arm.name] ?? 0) > 0);
  return (
    <div className="share-bar" data-empty={!known || undefined} aria-hidden="true">
      {known &&
        arms.map((arm, index) => (
          <span
            key={arm.name}
            className={`share-part arm-fill arm-${patternOf(index)}`}
            style={{ ...armColors(arm.color), flexGrow: shares[arm.name] ?? 0 }}
          />
        ))}
    </div>
  );
}
