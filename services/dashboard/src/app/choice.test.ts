import { expect, test } from "vitest";

import { firstSemester, fullestCourse, readChoice, writeChoice } from "./choice";

test("a choice survives the address, whatever is in its names", () => {
  const choice = { semester: { year: 2002, semester: "a&b=ñ/%" }, course: "سلسلة #1?" };
  expect(readChoice(writeChoice(choice))).toEqual(choice);
});

test("an address that makes no sense chooses nothing", () => {
  expect(readChoice("?year=soon&semester=x")).toEqual({ semester: null, course: null });
  expect(readChoice("")).toEqual({ semester: null, course: null });
});

test("without a choice the latest semester and its fullest course are shown", () => {
  const semesters = [
    { year: 2001, semester: "b" },
    { year: 2002, semester: "a" },
  ];
  expect(firstSemester(semesters)).toEqual({ year: 2002, semester: "a" });
  expect(firstSemester([])).toBeNull();
  expect(fullestCourse([{ course: "x", students: 1 }, { course: "y", students: 2 }])).toBe("y");
  expect(fullestCourse([])).toBeNull();
});
