import { expect, test } from "vitest";
import { may } from "./session";

const who = (...roles: string[]) => ({ username: "x", roles, source: null });

test("an administrator may do all", () => expect(may(who("admin"), "pharmacist")).toBe(true));
test("a role may what it is named for", () => expect(may(who("assistant"), "assistant", "pharmacist")).toBe(true));
test("another role may not", () => expect(may(who("analyst"), "assistant", "pharmacist")).toBe(false));
test("nobody may nothing", () => expect(may(null, "assistant")).toBe(false));
