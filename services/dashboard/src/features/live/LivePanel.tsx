import type { LiveState, Selection } from "../../api/liveSocket";
import { useRecordCount } from "../../api/polled";
import { formatClock, formatCount, formatSeconds } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import "./live.css";

/** Under load Redis is always a batch behind; a notice that flickers tells nobody anything. */
const NOTICEABLE_S = 1;

interface LivePanelProps {
  live: LiveState;
  selection: Selection | null;
}

/** The figures that Redis holds, as they change, beside the ledger's. */
export function LivePanel({ live, selection }: LivePanelProps) {
  const ledger = useRecordCount();
  const { figures, connection, at } = live;
  const lost = connection === "reconnecting" || connection === "disconnected";
  const reading = {
    data: figures ?? undefined,
    error: lost ? new Error("The live connection is lost.") : null,
    isPending: figures === null,
    dataUpdatedAt: at ?? 0,
  };
  return (
    <Panel
      title="Live"
      hint="Held in Redis and pushed as it changes."
      className="live-panel"
      reading={reading}
    >
      {({ total, behind, selection: chosen }) => (
        <>
          <dl className="figures">
            <Figure
              name="Records in Redis"
              value={formatCount(total)}
              note="Only of the arm that writes to Redis too"
              testId="live-total"
            />
            <Figure
              name="Students in Redis"
              about={selection}
              value={
                selection !== null && same(chosen, selection) ? formatCount(chosen.students) : "–"
              }
              testId="live-students"
            />
            <Figure
              name="Records in the ledger"
              value={ledger.data === undefined ? "–" : formatCount(ledger.data.total)}
              note={
                ledger.error !== null && ledger.data !== undefined
                  ? `Stale: read at ${formatClock(ledger.dataUpdatedAt)}`
                  : "All arms together, in MySQL"
              }
              testId="ledger-total"
            />
          </dl>
          {behind >= NOTICEABLE_S && (
            <p className="notice notice-stale" data-testid="behind">
              <strong>Catching up.</strong> Redis is {formatSeconds(behind)} behind the ledger.
            </p>
          )}
          {live.complaint !== null && (
            <p className="notice notice-error">The choice was refused: {live.complaint}</p>
          )}
        </>
      )}
    </Panel>
  );
}

interface FigureProps {
  name: string;
  value: string;
  testId: string;
  about?: Selection | null;
  note?: string;
}

function Figure({ name, value, testId, about, note }: FigureProps) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd className="figure-value" data-testid={testId}>
        {value}
      </dd>
      {about && (
        <dd className="figure-note">
          <bdi title={about.course}>{about.course}</bdi> ·{" "}
          <bdi title={about.semester}>{about.semester}</bdi> {about.year}
        </dd>
      )}
      {note !== undefined && <dd className="figure-note">{note}</dd>}
    </div>
  );
}

function same(chosen: Selection | null, wanted: Selection): chosen is Selection & { students: number } {
  return (
    chosen?.course === wanted.course &&
    chosen.year === wanted.year &&
    chosen.semester === wanted.semester
  );
}
