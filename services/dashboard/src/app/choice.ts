/** The course and semester everything below the split is about; it lives in the address. */
import { useCallback, useState } from "react";

import type { CourseStudents, Semester } from "../api/answers";

export interface Choice {
  semester: Semester | null;
  course: string | null;
}

export function readChoice(search: string): Choice {
  const parameters = new URLSearchParams(search);
  const year = Number(parameters.get("year") ?? NaN);
  const semester = parameters.get("semester");
  return {
    semester: Number.isInteger(year) && semester ? { year, semester } : null,
    course: parameters.get("course") ?? null,
  };
}

export function writeChoice({ semester, course }: Choice): string {
  const parameters = new URLSearchParams();
  if (semester) {
    parameters.set("year", String(semester.year));
    parameters.set("semester", semester.semester);
  }
  if (course) parameters.set("course", course);
  return `?${parameters.toString()}`;
}

/** The reader's own choice, and how to change it; the address follows. */
export function useChoice(): [Choice, (choice: Choice) => void] {
  const [choice, setChoice] = useState(() => readChoice(window.location.search));
  const choose = useCallback((next: Choice) => {
    setChoice(next);
    window.history.replaceState(null, "", writeChoice(next));
  }, []);
  return [choice, choose];
}

/** Latest first. */
export function bySemester(one: Semester, other: Semester): number {
  return other.year - one.year || other.semester.localeCompare(one.semester, undefined, { numeric: true });
}

/** What is shown while the reader has chosen nothing: the latest semester. */
export function firstSemester(semesters: Semester[]): Semester | null {
  return [...semesters].sort(bySemester)[0] ?? null;
}

/** What is shown while the reader has chosen no course: the one with most students. */
export function fullestCourse(courses: CourseStudents[]): string | null {
  return courses.reduce<CourseStudents | null>(
    (most, course) => (most === null || course.students > most.students ? course : most),
    null,
  )?.course ?? null;
}
