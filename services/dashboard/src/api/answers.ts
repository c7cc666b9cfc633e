/** What the reporter answers, checked at run time before any of it is shown. */
import * as z from "zod/mini";

const count = z.int().check(z.nonnegative());
const text = z.string();
const perArm = z.record(text, z.number());
const interval = z.tuple([z.number(), z.number()]);

/** Colours reach a style, so only plain hexadecimal ones are taken; any other arm is grey. */
const color = z.catch(z.string().check(z.regex(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i)), "#808890");

export const semesters = z.array(z.object({ year: z.int(), semester: text }));

export const courses = z.array(z.object({ course: text, students: count }));

export const courseResults = z.object({
  course: text,
  year: z.int(),
  semester: text,
  passed: count,
  failed: count,
});

export const topStudents = z.array(
  z.object({ student_id: text, student_name: text, average: z.number(), records: count }),
);

export const recordCount = z.object({ total: count, arms: z.record(text, count) });

export const split = z.object({
  arms: z.array(z.object({ name: text, host: text, color })),
  asked: perArm,
  configured: z.nullable(perArm),
  applied: z.nullable(perArm),
  configuration_error: z.nullable(
    z.object({
      file: z.nullish(text),
      path: z.nullish(text),
      name: z.nullish(text),
      message: text,
    }),
  ),
  observed: z.object({
    since: z.nullable(text),
    unit: z._default(text, "requests"),
    requests: count,
    counts: z.record(text, count),
    shares: perArm,
  }),
  verdict: z.object({
    state: z.enum(["agrees", "disagrees", "insufficient"]),
    confidence: z.number(),
    tolerance: z.number(),
    intervals: z.record(text, interval),
    needed: z.nullable(count),
    text,
  }),
});

/** An interval whose ends may not be known. */
const bounds = z.tuple([z.nullable(z.number()), z.nullable(z.number())]);

export const arms = z.object({
  arms: z.array(z.object({ name: text, host: text, color })),
  since: text,
  requests: count,
  confidence: z.number(),
  source: z.object({ available: z.boolean(), detail: text, read_until: z.nullable(text) }),
  measures: z.array(
    z.object({
      name: z.enum(["errors", "p50", "p99", "cpu"]),
      unit: z.enum(["ratio", "seconds"]),
      margin: text,
      arms: z.record(
        text,
        z.object({ estimate: z.nullable(z.number()), interval: bounds, of: count }),
      ),
      differences: z.array(
        z.object({
          first: text,
          second: text,
          interval: bounds,
          state: z.enum(["differs", "alike", "open"]),
        }),
      ),
      needed: z.nullable(count),
    }),
  ),
  needed: count,
  text,
});

const figures = {
  total: count,
  behind: z.number(),
  selection: z.nullable(
    z.object({ course: text, year: z.int(), semester: text, students: count }),
  ),
};

export const liveMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("snapshot"), ...figures }),
  z.object({ type: z.literal("update"), ...figures }),
  z.object({ type: z.literal("error"), detail: text }),
]);

export type Semester = z.infer<typeof semesters>[number];
export type CourseStudents = z.infer<typeof courses>[number];
export type CourseResults = z.infer<typeof courseResults>;
export type StudentAverage = z.infer<typeof topStudents>[number];
export type Split = z.infer<typeof split>;
export type Arm = Split["arms"][number];
export type Arms = z.infer<typeof arms>;
export type Measure = Arms["measures"][number];
export type Reading = Measure["arms"][string];
export type LiveMessage = z.infer<typeof liveMessage>;
export type LiveFigures = Exclude<LiveMessage, { type: "error" }>;

/** Reads one WebSocket frame; null for anything this page doesn't know, which it ignores. */
export function readLiveMessage(frame: unknown): LiveMessage | null {
  if (typeof frame !== "string") return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch {
    return null;
  }
  const result = liveMessage.safeParse(parsed);
  return result.success ? result.data : null;
}
