import { lazy, Suspense } from "react";

import { useCourses, useSemesters } from "../api/polled";
import { useLive } from "../api/useLive";
import { ArmsPanel } from "../features/arms/ArmsPanel";
import { LivePanel } from "../features/live/LivePanel";
import { SplitPanel } from "../features/split/SplitPanel";
import { firstSemester, fullestCourse, useChoice } from "./choice";
import { Choices } from "./Choices";
import { Header } from "./Header";
import { useTheme } from "./theme";

// The charting library is most of the page's weight; the split and the live figures don't wait.
const Charts = lazy(() => import("./Charts"));

export function App() {
  const [theme, setTheme] = useTheme();
  const [choice, choose] = useChoice();
  const semesters = useSemesters();
  const semester = choice.semester ?? firstSemester(semesters.data ?? []);
  const courses = useCourses(semester);
  const course = choice.course ?? fullestCourse(courses.data ?? []);
  const selection = semester !== null && course !== null ? { course, ...semester } : null;
  const live = useLive(selection);
  const choicesError = semesters.error ?? courses.error;
  const known = !semesters.isPending && (semester === null || !courses.isPending);
  const missing = !known ? null : choicesError ? "The choices can’t be read." : "No records yet.";

  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Header connection={live.connection} theme={theme} onTheme={setTheme} />
      <main id="content" tabIndex={-1}>
        <h2 className="visually-hidden">How records are split</h2>
        <div className="split-and-arms">
          <SplitPanel />
          <ArmsPanel />
        </div>
        <section className="records" aria-labelledby="records-title">
          <div className="records-head">
            <h2 id="records-title">Records</h2>
            <Choices
              semesters={semesters.data ?? []}
              courses={courses.data ?? []}
              shown={{ semester, course }}
              onChoose={choose}
            />
          </div>
          {choicesError !== null && (
            <p className="notice notice-error">
              <strong>The choices may be out of date.</strong> {choicesError.message} Trying again.
            </p>
          )}
          <LivePanel live={live} selection={selection} />
          <Suspense fallback={<div className="skeleton" />}>
            <Charts semester={semester} selection={selection} missing={missing} />
          </Suspense>
        </section>
      </main>
    </>
  );
}
