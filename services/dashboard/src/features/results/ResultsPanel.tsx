import { Pie, PieChart, Tooltip } from "recharts";

import type { Selection } from "../../api/liveSocket";
import { useCourseResults } from "../../api/polled";
import { DataTable } from "../../ui/DataTable";
import { formatCount, formatShare, plural } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import "./results.css";

interface ResultsPanelProps {
  selection: Selection | null;
  /** Why nothing is selected; null while that is not known. */
  missing: string | null;
}

/** Passed and failed records of a course in a semester. */
export function ResultsPanel({ selection, missing }: ResultsPanelProps) {
  const reading = useCourseResults(
    selection?.course ?? null,
    selection && { year: selection.year, semester: selection.semester },
  );
  return (
    <Panel
      title="Passed and failed"
      hint={selection ? <bdi>{selection.course}</bdi> : undefined}
      reading={reading}
      waitingFor={selection ? null : missing}
      empty={({ passed, failed }) =>
        passed + failed === 0 ? "No records of this course in this semester yet." : null
      }
    >
      {({ passed, failed }) => <Results passed={passed} failed={failed} />}
    </Panel>
  );
}

function Results({ passed, failed }: { passed: number; failed: number }) {
  const total = passed + failed;
  const parts = [
    { name: "Passed", value: passed, fill: "var(--passed)" },
    { name: "Failed", value: failed, fill: "url(#failed-stripes)" },
  ];
  return (
    <>
      <div className="pie">
        <PieChart
          accessibilityLayer
          responsive
          className="pie-chart"
          title="Pie of passed and failed records"
          margin={{ top: 4, right: 4, bottom: 4, left: 4 }}
        >
          <defs>
            <pattern
              id="failed-stripes"
              width="8"
              height="8"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="8" height="8" fill="var(--failed)" />
              <rect width="2.5" height="8" fill="var(--surface)" fillOpacity="0.55" />
            </pattern>
          </defs>
          <Pie
            data={parts}
            dataKey="value"
            nameKey="name"
            startAngle={90}
            endAngle={-270}
            innerRadius="58%"
            outerRadius="100%"
            stroke="var(--surface)"
            strokeWidth={2}
            isAnimationActive={false}
          />
          <Tooltip formatter={(value) => formatCount(Number(value))} />
        </PieChart>
        <p className="pie-middle" aria-hidden="true">
          <strong>{formatShare(passed / total)}</strong>
          <span>passed</span>
        </p>
      </div>
      <ul className="pie-legend">
        <li data-part="passed">
          <span>Passed</span> <strong>{formatCount(passed)}</strong>
        </li>
        <li data-part="failed">
          <span>Failed</span> <strong>{formatCount(failed)}</strong>
        </li>
      </ul>
      <DataTable
        caption={`Of ${plural(total, "record")}`}
        columns={["Result", "Records", "Share"]}
        rows={[
          ["Passed", formatCount(passed), formatShare(passed / total)],
          ["Failed", formatCount(failed), formatShare(failed / total)],
        ]}
      />
    </>
  );
}
