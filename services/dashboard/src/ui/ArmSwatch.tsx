import "./arm.css";
import { armColors, patternOf } from "./armStyle";

/** A small square in an arm's colour and pattern; the name stands beside it. */
export function ArmSwatch({ color, index }: { color: string; index: number }) {
  return (
    <span
      aria-hidden="true"
      className={`arm-fill arm-${patternOf(index)} arm-swatch`}
      style={armColors(color)}
    />
  );
}
