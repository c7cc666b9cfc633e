import type { Semester } from "../api/answers";
import type { Selection } from "../api/liveSocket";
import { TopCoursesPanel } from "../features/courses/TopCoursesPanel";
import { ResultsPanel } from "../features/results/ResultsPanel";
import { TopStudentsPanel } from "../features/students/TopStudentsPanel";

interface ChartsProps {
  semester: Semester | null;
  selection: Selection | null;
  /** Why there is no semester or course; null while that is not known. */
  missing: string | null;
}

/** The three charts, in a chunk of their own. */
export default function Charts({ semester, selection, missing }: ChartsProps) {
  return (
    <div className="charts">
      <ResultsPanel selection={selection} missing={missing} />
      <TopCoursesPanel semester={semester} missing={missing} />
      <TopStudentsPanel semester={semester} />
    </div>
  );
}
