import { expect, test } from "vitest";
import type { Sections } from "@/api/generated";
import { changesOf, newItem, toForm, toRevision } from "./revision";

const sections: Sections = {
  problem_list: [
    { id: "P1", text: "One", category: "adherence", severity: "low", medication: "IVIG", status: "open", citations: ["K1"] },
    { id: "P2", text: "Two", category: "adherence", severity: "high", citations: [] },
  ],
  goals: [{ id: "G1", text: "Goal", measure: "m", target: "t", due: "2026-02-19", addresses: ["P1", "P2"], citations: [] }],
  interventions: [{ id: "I1", text: "Do", when: "w", by: "pharmacist", addresses: ["P2"], citations: [] }],
  monitoring: [],
};
const plan = { sections, text: "Draft: requires pharmacist review\n\nThe plan" };

test("an untouched form is no change, and sends the plan as it is", () => {
  expect(changesOf(plan, toForm(plan))).toEqual([]);
  expect(toRevision(plan, toForm(plan)).sections).toEqual(sections);
});

test("an edit keeps what the form does not show", () => {
  const form = toForm(plan);
  form.problem_list = form.problem_list.map((item, place) => (place === 0 ? { ...item, values: { ...item.values, text: "Uno" } } : item));
  expect(changesOf(plan, form)).toEqual([{ item: "P1", field: "text", was: "One", becomes: "Uno" }]);
  expect(toRevision(plan, form).sections?.problem_list[0]).toEqual({ ...sections.problem_list[0], text: "Uno" });
});

test("a struck item is left out, named with its reason, and nothing points at it any more", () => {
  const form = toForm(plan);
  form.problem_list = form.problem_list.map((item, place) => (place === 0 ? { ...item, struck: true, reason: "does not apply" } : item));
  const revision = toRevision(plan, form);
  expect(revision.rejected).toEqual([{ item: "P1", reason: "does not apply" }]);
  expect(revision.sections?.problem_list).toHaveLength(1);
  expect(revision.sections?.goals[0]).toMatchObject({ addresses: ["P2"] });
});

test("an added item has no id: the server gives it one", () => {
  const form = toForm(plan);
  form.interventions.push({ ...newItem("interventions", "2026-01-01"), values: { text: "More", when: "now", by: "me" } });
  expect(toRevision(plan, form).sections?.interventions[1]).toEqual({ text: "More", when: "now", by: "me" });
  expect(changesOf(plan, form)).toHaveLength(1);
});

test("as text the plan goes without the line that it is a draft", () => {
  const form = { ...toForm(plan), mode: "text" as const };
  expect(form.text).toBe("The plan");
  expect(changesOf(plan, form)).toEqual([]);
  expect(toRevision(plan, { ...form, text: "Mine", note: "why" })).toEqual({ text: "Mine", note: "why" });
});
