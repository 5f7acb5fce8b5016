import { describe, expect, test } from "vitest";
import type { Citation, Problem } from "@/api/generated";
import { bySeverity, factsBySource, orderField, pieces } from "./evidence";

const quote = (id: string, start: number, end: number): Citation => ({
  id,
  kind: "record",
  source: "patient_records",
  quote: "",
  start,
  end,
});
const fact = (id: string, source: string): Citation => ({ id, kind: "knowledge", source, quote: "" });

describe("pieces", () => {
  test("put together are the records, whatever is quoted", () => {
    const records = "Creatinine 0.78 mg/dL, eGFR 96.";
    const cut = pieces(records, [quote("R1", 0, 21), quote("R2", 11, 30), quote("R3", 23, 999)]);
    expect(cut.map(({ text }) => text).join("")).toBe(records);
  });

  test("count code points, not UTF-16 units", () => {
    const cut = pieces("🙂🙂 FVC 2.9 L", [quote("R1", 3, 12)]);
    expect(cut.at(-1)).toEqual({ text: "FVC 2.9 L", citations: ["R1"] });
  });

  test("name every quote that covers them", () =>
    expect(pieces("abcdef", [quote("R1", 0, 4), quote("R2", 2, 6)])).toEqual([
      { text: "ab", citations: ["R1"] },
      { text: "cd", citations: ["R1", "R2"] },
      { text: "ef", citations: ["R2"] },
    ]));

  test("pass over offsets that cannot be", () =>
    expect(pieces("abc", [quote("R1", 2, 1), quote("R2", 7, 9)])).toEqual([{ text: "abc", citations: [] }]));

  test("of empty records are none", () => expect(pieces("", [])).toEqual([]));
});

test("facts stand under their source", () =>
  expect(factsBySource([fact("K1", "a"), fact("K2", "b"), fact("K3", "a")]).map(([source, all]) => [source, all.length])).toEqual([
    ["a", 2],
    ["b", 1],
  ]));

test.each([
  ["patient.allergies.0", "allergies"],
  ["medication_history", "medication_history"],
  ["patient.weight_kg", "weight_kg"],
])("%s is the field %s", (source, field) => expect(orderField(source)).toBe(field));

test("high severity comes first, the rest stays in order", () => {
  const problem = (id: string, severity: Problem["severity"]) => ({ id, severity }) as Problem;
  const sorted = bySeverity([problem("P1", "low"), problem("P2", "high"), problem("P3", "moderate"), problem("P4", "high")]);
  expect(sorted.map(({ id }) => id)).toEqual(["P2", "P4", "P3", "P1"]);
});
