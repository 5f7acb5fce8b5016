import { expect, test } from "vitest";
import { fingerprintOf, keepDraft, keyFor, noDraft, readDraft } from "./draft";

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

test("a draft survives", () => {
  const place = storage();
  const draft = { ...noDraft(), next: "same" as const };
  draft.form.patient.first_name = "Ana";
  keepDraft(place, draft);
  expect(readDraft(place)).toEqual(draft);
});

test("an older or broken draft is mended, not fatal", () => {
  const place = storage();
  expect(readDraft(place)).toEqual(noDraft());
  place.setItem("new-order", '{"form": {"medication": "IVIG", "additional_diagnoses": 3}}');
  expect(readDraft(place).form).toMatchObject({ medication: "IVIG", additional_diagnoses: [{ text: "" }] });
  place.setItem("new-order", "{");
  expect(readDraft(place)).toEqual(noDraft());
});

test("full storage does not stop the form", () => {
  const full = { setItem: () => { throw new Error("full"); } };
  expect(() => keepDraft(full, noDraft())).not.toThrow();
});

test("the same content keeps its key, other content gets another", () => {
  const first = keyFor(fingerprintOf({ a: 1 }, null), null);
  expect(keyFor(fingerprintOf({ a: 1 }, null), first)).toEqual(first);
  expect(keyFor(fingerprintOf({ a: 2 }, null), first).key).not.toBe(first.key);
  const file = { name: "a.pdf", size: 3, lastModified: 1 };
  expect(keyFor(fingerprintOf({ a: 1 }, file), first).key).not.toBe(first.key);
});
