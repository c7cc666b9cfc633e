import { useId } from "react";

import type { Arm, Measure } from "../../api/answers";
import { ArmSwatch } from "../../ui/ArmSwatch";
import { IntervalBar } from "./IntervalBar";
import {
  bandOf,
  scaleEnd,
  standing,
  WORDS,
  writeInterval,
  writeStanding,
  writeValue,
} from "./measures";

const MARKS = { differs: "≠", alike: "=", open: "…" } as const;

interface MeasureTableProps {
  arms: Arm[];
  measure: Measure;
  confidence: string;
}

/** The arms in one measure, one under the other on one scale. */
export function MeasureTable({ arms, measure, confidence }: MeasureTableProps) {
  const title = useId();
  const { unit } = measure;
  const words = WORDS[measure.name];
  const end = scaleEnd(measure);
  return (
    <div className="measure" data-measure={measure.name}>
      <div className="measure-head">
        <h4 id={title}>{words.title}</h4>
        <p className="hint">{words.meaning}</p>
      </div>
      <table aria-labelledby={title}>
        <thead>
          <tr>
            <th scope="col">Arm</th>
            <th scope="col">Estimate</th>
            <th scope="col">{confidence} interval</th>
          </tr>
        </thead>
        <tbody>
          {arms.map((arm, index) => {
            const reading = measure.arms[arm.name] ?? {
              estimate: null,
              interval: [null, null],
              of: 0,
            };
            return (
              <tr key={arm.name}>
                <th scope="row">
                  <span className="arm-name">
                    <ArmSwatch color={arm.color} index={index} />
                    <bdi title={arm.name}>{arm.name}</bdi>
                  </span>
                </th>
                <td className="estimate">
                  {reading.estimate === null ? "–" : writeValue(unit, reading.estimate)}
                </td>
                <td className="interval">
                  <IntervalBar band={bandOf(reading, end)} color={arm.color} index={index} />
                  <span>{reading.of > 0 ? writeInterval(unit, reading.interval) : "–"}</span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {measure.differences.length > 0 && (
        <p className="standing" data-standing={standing(measure)}>
          <span className="standing-mark" aria-hidden="true">
            {MARKS[standing(measure)]}
          </span>
          {writeStanding(measure)}
        </p>
      )}
    </div>
  );
}
