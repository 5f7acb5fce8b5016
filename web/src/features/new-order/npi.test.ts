import { expect, test } from "vitest";
import { hasRightCheckDigit } from "./npi";

test.each(["1234567893", "1528060563", "1669544532"])("%s is right", (npi) => expect(hasRightCheckDigit(npi)).toBe(true));
test.each(["1234567890", "1234567839", "2234567893"])("%s is mistyped", (npi) => expect(hasRightCheckDigit(npi)).toBe(false));
