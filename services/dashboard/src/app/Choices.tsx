import type { CourseStudents, Semester } from "../api/answers";
import { Combobox } from "../ui/Combobox";
import { plural } from "../ui/format";
import { bySemester, type Choice } from "./choice";

interface ChoicesProps {
  semesters: Semester[];
  courses: CourseStudents[];
  shown: Choice;
  onChoose: (choice: Choice) => void;
}

/** Which semester and course the panels below are about. */
export function Choices({ semesters, courses, shown, onChoose }: ChoicesProps) {
  return (
    <div className="choices" role="group" aria-label="Semester and course">
      <Combobox
        label="Semester"
        placeholder="No semesters yet"
        options={[...semesters].sort(bySemester).map((each) => ({
          key: keyOf(each),
          label: `${each.semester} ${each.year}`,
        }))}
        selected={shown.semester && keyOf(shown.semester)}
        selectedLabel={shown.semester ? `${shown.semester.semester} ${shown.semester.year}` : ""}
        onSelect={(key) => {
          const semester = semesters.find((each) => keyOf(each) === key) ?? null;
          onChoose({ semester, course: shown.course });
        }}
      />
      <Combobox
        label="Course"
        placeholder="No courses yet"
        options={courses.map(({ course, students }) => ({
          key: course,
          label: course,
          detail: plural(students, "student"),
        }))}
        selected={shown.course}
        selectedLabel={shown.course ?? ""}
        onSelect={(course) => {
          onChoose({ semester: shown.semester, course });
        }}
      />
    </div>
  );
}

function keyOf({ year, semester }: Semester): string {
  return `${year} ${semester}`;
}
