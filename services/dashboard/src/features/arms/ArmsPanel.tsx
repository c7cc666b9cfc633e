import type { Arms } from "../../api/answers";
import { useArms } from "../../api/polled";
import { formatMoment, formatPercent, plural } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import "./arms.css";
import { MeasureTable } from "./MeasureTable";

/** The arms side by side, and what may be concluded of them. */
export function ArmsPanel() {
  const reading = useArms();
  return (
    <Panel
      title="Arms compared"
      hint="The same work, done by each arm: how often it fails, how long it takes, what it costs."
      className="arms-panel"
      reading={reading}
      empty={(arms) => (arms.arms.length === 0 ? "The route names no arms." : null)}
    >
      {(compared) => <Compared {...compared} />}
    </Panel>
  );
}

function Compared({ arms, since, requests, confidence, source, measures, text }: Arms) {
  const sure = formatPercent(confidence * 100);
  return (
    <>
      {!source.available && (
        <p className="notice notice-stale">
          <strong>
            {source.read_until === null
              ? "Nothing is known yet:"
              : `Nothing is known since ${formatMoment(source.read_until)}:`}
          </strong>{" "}
          {source.detail}. Trying again.
        </p>
      )}
      <div className="conclusion" data-testid="conclusion">
        <p>{text}</p>
        <p className="hint">
          {plural(requests, "request")} since {formatMoment(since)} · {sure} confidence, however often one looks
        </p>
      </div>
      <div className="measures">
        {measures.map((measure) => (
          <MeasureTable key={measure.name} arms={arms} measure={measure} confidence={sure} />
        ))}
      </div>
    </>
  );
}
