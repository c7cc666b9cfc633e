/** The REST readings, each asked for again while the page is visible. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";

import * as answers from "./answers";
import { query, request } from "./request";

const CHARTS_MS = 2_000;
const SPLIT_MS = 1_000;
const ARMS_MS = 5_000;
const CHOICES_MS = 5_000;

export function useSemesters(): UseQueryResult<answers.Semester[]> {
  return useQuery({
    queryKey: ["semesters"],
    queryFn: ({ signal }) => request("semesters", answers.semesters, signal),
    refetchInterval: CHOICES_MS,
  });
}

export function useCourses(
  semester: answers.Semester | null,
): UseQueryResult<answers.CourseStudents[]> {
  return useQuery({
    queryKey: ["courses", semester],
    queryFn: ({ signal }) => request(`courses${query({ ...semester })}`, answers.courses, signal),
    enabled: semester !== null,
    refetchInterval: CHOICES_MS,
  });
}

export function useCourseResults(
  course: string | null,
  semester: answers.Semester | null,
): UseQueryResult<answers.CourseResults> {
  return useQuery({
    queryKey: ["results", course, semester],
    queryFn: ({ signal }) =>
      request(
        `courses/${encodeURIComponent(course ?? "")}/results${query({ ...semester })}`,
        answers.courseResults,
        signal,
      ),
    enabled: course !== null && semester !== null,
    refetchInterval: CHARTS_MS,
  });
}

export function useTopCourses(
  semester: answers.Semester | null,
): UseQueryResult<answers.CourseStudents[]> {
  return useQuery({
    queryKey: ["top courses", semester],
    queryFn: ({ signal }) =>
      request(`courses/top${query({ limit: 3, ...semester })}`, answers.courses, signal),
    enabled: semester !== null,
    refetchInterval: CHARTS_MS,
  });
}

/** The five best averages in a semester, or of all time when it is null. */
export function useTopStudents(
  semester: answers.Semester | null,
): UseQueryResult<answers.StudentAverage[]> {
  return useQuery({
    queryKey: ["top students", semester],
    queryFn: ({ signal }) =>
      request(`students/top${query({ limit: 5, ...semester })}`, answers.topStudents, signal),
    refetchInterval: CHARTS_MS,
  });
}

export function useRecordCount(): UseQueryResult<{ total: number; arms: Record<string, number> }> {
  return useQuery({
    queryKey: ["record count"],
    queryFn: ({ signal }) => request("records/count", answers.recordCount, signal),
    refetchInterval: CHARTS_MS,
  });
}

export function useSplit(): UseQueryResult<answers.Split> {
  return useQuery({
    queryKey: ["split"],
    queryFn: ({ signal }) => request("split", answers.split, signal),
    refetchInterval: SPLIT_MS,
  });
}

export function useArms(): UseQueryResult<answers.Arms> {
  return useQuery({
    queryKey: ["arms"],
    queryFn: ({ signal }) => request("split/arms", answers.arms, signal),
    refetchInterval: ARMS_MS,
  });
}
