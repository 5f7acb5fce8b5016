import { expect, test } from "vitest";
import { apiError } from "@/api/call";
import { openGatesOf } from "./review";

const refused = (detail: object) => apiError(409, { type: "error", code: "WRONG_STATE", message: "", detail, trace_id: "" });

test("a refused signature names each open gate", () => {
  const gate = { gate: "G6", where: "thrombosis", message: "the boxed warning is not addressed" };
  expect(openGatesOf(refused({ gates: [gate] }))).toEqual([gate]);
});

test("another refusal names none", () => {
  expect(openGatesOf(refused({}))).toEqual([]);
  expect(openGatesOf(new Error("x"))).toEqual([]);
});
