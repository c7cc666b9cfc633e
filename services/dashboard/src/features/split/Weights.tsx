import type { Arm, Split } from "../../api/answers";
import { ArmSwatch } from "../../ui/ArmSwatch";
import { formatCount, formatPercent, formatShare } from "../../ui/format";
import { ShareBar } from "./ShareBar";

interface Stage {
  name: string;
  meaning: string;
  shares: Record<string, number> | null;
  write: (arm: Arm) => string;
}

/** What was asked for, and what became of it, one bar under the other and in numbers. */
export function Weights({ split }: { split: Split }) {
  const stages = stagesOf(split);
  return (
    <div className="weights">
      <div className="stages">
        {stages.map((stage) => (
          <div key={stage.name} className="stage">
            <p className="stage-name">
              {stage.name} <span>{stage.meaning}</span>
            </p>
            <ShareBar arms={split.arms} shares={stage.shares} write={stage.write} />
          </div>
        ))}
      </div>
      <div className="weights-scroll" role="region" aria-label="Weights by arm" tabIndex={0}>
        <table className="weights-table">
          <caption className="visually-hidden">
            Each arm’s share, from what the files ask to what was observed
          </caption>
          <thead>
            <tr>
              <th scope="col">Arm</th>
              {stages.map((stage) => (
                <th key={stage.name} scope="col">
                  {stage.name}
                </th>
              ))}
              <th scope="col">{formatPercent(split.verdict.confidence * 100)} interval</th>
              <th scope="col">Requests</th>
            </tr>
          </thead>
          <tbody>
            {split.arms.map((arm, index) => (
              <tr key={arm.name}>
                <th scope="row">
                  <span className="arm-name">
                    <ArmSwatch color={arm.color} index={index} />
                    <bdi title={arm.name}>{arm.name}</bdi>
                  </span>
                </th>
                {stages.map((stage) => (
                  <td key={stage.name}>{stage.write(arm)}</td>
                ))}
                <td>{writeInterval(split.verdict.intervals[arm.name])}</td>
                <td>{formatCount(split.observed.counts[arm.name] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function stagesOf(split: Split): Stage[] {
  const { asked, configured, applied, observed } = split;
  const seen = observed.requests > 0;
  return [
    { name: "Asked", meaning: "in the files", shares: asked, write: percentIn(asked) },
    {
      name: "Configured",
      meaning: "in the mesh",
      shares: configured,
      write: percentIn(configured),
    },
    { name: "Applied", meaning: "in the proxy", shares: applied, write: percentIn(applied) },
    {
      name: "Observed",
      meaning: "in its counters",
      shares: seen ? observed.shares : null,
      write: (arm) => (seen ? formatShare(observed.shares[arm.name] ?? 0, 2) : "–"),
    },
  ];
}

function percentIn(weights: Record<string, number> | null): (arm: Arm) => string {
  return (arm) => (weights === null ? "unknown" : formatPercent(weights[arm.name] ?? 0));
}

function writeInterval(interval: [number, number] | undefined): string {
  if (interval === undefined) return "–";
  return `${(interval[0] * 100).toFixed(1)} – ${(interval[1] * 100).toFixed(1)} %`;
}
