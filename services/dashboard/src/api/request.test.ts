import { expect, test, vi } from "vitest";
import * as z from "zod/mini";

import { query, request } from "./request";

const schema = z.object({ n: z.number() });
const answering = (body: BodyInit, status = 200) =>
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(body, { status })));

test("an answer of the agreed form is handed on", async () => {
  answering('{"n":1}');
  await expect(request("x", schema)).resolves.toEqual({ n: 1 });
});

test.each([
  ["<html>", 200, "not JSON"],
  ['{"n":"1"}', 200, "agreed form"],
  ["", 503, "503"],
  ["", 404, "refused"],
])("%s with %d fails in words", async (body, status, words) => {
  answering(body, status);
  await expect(request("x", schema)).rejects.toThrow(words);
});

test("a server that is away fails in words", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(request("x", schema)).rejects.toThrow("can’t be reached");
});

test("queries are encoded, and leave out what is undefined", () => {
  expect(query({ semester: "1º/2", year: 2002, limit: undefined })).toBe(
    "?semester=1%C2%BA%2F2&year=2002",
  );
  expect(query({})).toBe("");
});
