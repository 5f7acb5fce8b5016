import { expect, test } from "vitest";
import { asCode } from "./icd10";

test.each([
  ["g7000", "G70.00"],
  ["G70.00", "G70.00"],
  [" i10 ", "I10"],
])("%s is %s", (typed, code) => expect(asCode(typed)).toBe(code));
