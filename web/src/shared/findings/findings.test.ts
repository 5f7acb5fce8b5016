import { expect, test } from "vitest";
import { apiError } from "@/api/call";
import { decisionOf, earlierOrdersOf, npiConflictOf, personsOf, type Finding } from "./findings";

const ana = { mrn: "012345", first_name: "Ana", last_name: "Bell", date_of_birth: "1979-06-08" };
const of = (detail: Record<string, unknown>): Finding => ({ type: "warning", code: "X", message: "", detail });

test("one person on file is a list of one", () =>
  expect(personsOf(of({ on_file: ana, submitted: { ...ana, mrn: "1" } }))?.onFile).toEqual([ana]));

test("several persons on file stay several", () =>
  expect(personsOf(of({ on_file: [ana, ana], submitted: ana }))?.onFile).toHaveLength(2));

test("a finding about something else names no persons", () => expect(personsOf(of({ npi: "1" }))).toBeNull());

test("earlier orders are listed", () =>
  expect(earlierOrdersOf(of({ orders: [{ order_id: "a", order_date: "2026-01-01" }] }))).toHaveLength(1));

test("a provider conflict says both names", () =>
  expect(npiConflictOf(of({ npi: "1234567893", on_file: "Jane Lee", submitted: "Pat" }))?.on_file).toBe("Jane Lee"));

test("a 409 carries blocks, warnings and the order", () => {
  const body = { type: "block", code: "X", message: "", trace_id: "", detail: { order_id: "o", blocks: [of({})] } };
  expect(decisionOf(apiError(409, body))).toMatchObject({ orderId: "o", blocks: [{ code: "X" }], warnings: [] });
});
