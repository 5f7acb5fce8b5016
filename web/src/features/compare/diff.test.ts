import { expect, test } from "vitest";
import type { Sections } from "@/api/generated";
import { changedItems, linesChanged, wordsChanged } from "./diff";

const problem = (id: string, text: string) => ({ id, text, category: "adherence", severity: "low", citations: ["R1"] });
const plan = (...problem_list: object[]) => ({ problem_list, goals: [], interventions: [], monitoring: [] }) as unknown as Sections;

test("words that stayed are not marked", () =>
  expect(wordsChanged("Renal risk is high today", "Renal risk is low today")).toEqual([
    { kind: "same", text: "Renal risk is " },
    { kind: "removed", text: "high " },
    { kind: "added", text: "low " },
    { kind: "same", text: "today" },
  ]));

test("lines are kept whole", () =>
  expect(linesChanged("a\nb\n", "a\nc\n").map(({ kind, text }) => kind + text)).toEqual(["samea\n", "removedb\n", "addedc\n"]));

test("nothing changed is nothing to show", () => expect(changedItems(plan(problem("P1", "x")), plan(problem("P1", "x")))).toEqual([]));

test("an item is changed, added or removed by its id", () => {
  const found = changedItems(plan(problem("P1", "old"), problem("P2", "gone")), plan(problem("P1", "new"), problem("P3", "more")));
  expect(found.map(({ id, kind }) => `${id} ${kind}`)).toEqual(["P1 changed", "P2 removed", "P3 added"]);
  expect(found[0]?.fields.map(({ field }) => field)).toEqual(["text"]);
});

test("a long text costs no long wait", () => {
  const long = (word: string) => Array.from({ length: 3_000 }, (_, n) => `${word}${n} `).join("");
  expect(wordsChanged(long("a"), long("b"))).toHaveLength(2);
});
