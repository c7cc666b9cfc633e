import type { Semester } from "../api/answers";
import type { Selection } from "../api/liveSocket";
import { TopCoursesPanel } from "../features/courses/TopCoursesPanel";
import { ResultsPanel } from "../features/results/ResultsPanel";
import { TopStudentsPanel } from "../features/students/TopStudentsPanel";

interface ChartsProps {
  semester: Semester | null;
  selection: Selection | null;
}

/** The three charts, in a chunk of their own. */
export default function Charts({ semester, selection }: ChartsProps) {
  return (
    <div className="charts">
      <ResultsPanel selection={selection} />
      <TopCoursesPanel semester={semester} />
      <TopStudentsPanel semester={semester} />
    </div>
  );
}
