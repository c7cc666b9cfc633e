import type { Semester } from "../../api/answers";
import { useTopCourses } from "../../api/polled";
import { DataTable } from "../../ui/DataTable";
import { formatCount } from "../../ui/format";
import { Panel } from "../../ui/Panel";
import { RankedBars } from "../../ui/RankedBars";

interface TopCoursesPanelProps {
  semester: Semester | null;
  /** Why there is no semester; null while that is not known. */
  missing: string | null;
}

/** The three courses with most students in a semester. */
export function TopCoursesPanel({ semester, missing }: TopCoursesPanelProps) {
  const reading = useTopCourses(semester);
  return (
    <Panel
      title="Courses with most students"
      hint={
        semester ? (
          <>
            <bdi>{semester.semester}</bdi> {semester.year}
          </>
        ) : undefined
      }
      reading={reading}
      waitingFor={semester ? null : missing}
      empty={(courses) => (courses.length === 0 ? "No courses in this semester yet." : null)}
    >
      {(courses) => (
        <>
          <RankedBars
            title="Bars of the three courses with most students"
            bars={courses.map(({ course, students }) => ({
              key: course,
              label: course,
              value: students,
              written: formatCount(students),
            }))}
          />
          <DataTable
            caption="Courses with most students"
            columns={["Course", "Students"]}
            rows={courses.map(({ course, students }) => [course, formatCount(students)])}
          />
        </>
      )}
    </Panel>
  );
}
