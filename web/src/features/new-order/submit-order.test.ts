import { expect, test } from "vitest";
import { apiError } from "@/api/call";
import { kindOf, outcomeOf } from "./submit-order";

const body = (type: string, detail: object) => ({ type, code: "X", message: "m", detail, trace_id: "t" });

test("a 400 lists every fault", () => {
  const errors = [{ field: "provider.npi", code: "NPI_FORMAT", message: "…" }];
  expect(outcomeOf(apiError(400, body("validation", { errors })))).toEqual({ kind: "faults", faults: errors });
});

test("a block says why", () => {
  const blocks = [{ type: "block", code: "PROVIDER_NPI_CONFLICT", message: "…", detail: {} }];
  expect(outcomeOf(apiError(409, body("block", { blocks })))).toMatchObject({ kind: "blocked", decision: { blocks } });
});

test("a warning names the order to confirm", () =>
  expect(outcomeOf(apiError(409, body("warning", { order_id: "o", warnings: [] })))).toMatchObject({
    kind: "warned",
    orderId: "o",
  }));

test.each([apiError(0, undefined), apiError(503, "<html>"), new Error("?")])("anything else may be sent again", (error) =>
  expect(outcomeOf(error).kind).toBe("failed"),
);

test("a file's kind is its type, or else its name", () => {
  expect(kindOf({ name: "a", type: "application/pdf" })).toBe("application/pdf");
  expect(kindOf({ name: "A.PDF", type: "" })).toBe("application/pdf");
  expect(kindOf({ name: "note.txt", type: "" })).toBe("text/plain");
  expect(kindOf({ name: "scan.png", type: "image/png" })).toBeNull();
});
