import { expect, test } from "vitest";
import { asCode, isLikeCode } from "./icd10";

test.each([
  ["g7000", "G70.00"],
  ["G70.00", "G70.00"],
  [" i10 ", "I10"],
])("%s is %s", (typed, code) => expect(asCode(typed)).toBe(code));

test.each([
  ["G70", true],
  ["g7", true],
  ["myasthenia", false],
  ["", false],
])("%s is like a code: %s", (typed, is) => expect(isLikeCode(typed)).toBe(is));
