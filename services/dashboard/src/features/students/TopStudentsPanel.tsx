import { useState } from "react";

import type { Semester } from "../../api/answers";
import { useTopStudents } from "../../api/polled";
import { DataTable } from "../../ui/DataTable";
import { formatAverage, formatCount } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import { RankedBars } from "../../ui/RankedBars";
import { Segmented } from "../../ui/Segmented";

const SPANS = [
  { value: "all", label: "All time" },
  { value: "semester", label: "This semester" },
] as const;

/** The five best averages, of all time or in the chosen semester. */
export function TopStudentsPanel({ semester }: { semester: Semester | null }) {
  const [span, setSpan] = useState<"all" | "semester">("all");
  const reading = useTopStudents(span === "semester" ? semester : null);
  return (
    <Panel
      title="Best averages"
      hint={
        span === "semester" && semester ? (
          <>
            <bdi>{semester.semester}</bdi> {semester.year}
          </>
        ) : (
          "Over every semester"
        )
      }
      actions={<Segmented label="Averages of" options={SPANS} value={span} onChange={setSpan} />}
      reading={reading}
      empty={(students) => (students.length === 0 ? "No records yet." : null)}
    >
      {(students) => (
        <>
          <RankedBars
            title="Bars of the five best averages, out of 100"
            max={100}
            bars={students.map((student) => ({
              key: student.student_id,
              label: student.student_name,
              value: student.average,
              written: formatAverage(student.average),
            }))}
          />
          <DataTable
            caption="Best averages"
            columns={["Student", "Carné", "Average", "Records"]}
            rows={students.map((student) => [
              student.student_name,
              student.student_id,
              formatAverage(student.average),
              formatCount(student.records),
            ])}
          />
        </>
      )}
    </Panel>
  );
}
