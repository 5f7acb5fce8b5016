import { describe, expect, test } from "vitest";
import { age, daysBefore, elapsed, isoDate, monthOf, shownDay } from "./dates";

describe("isoDate", () => {
  test.each([
    ["06/08/1979", "1979-06-08"],
    ["6/8/1979", "1979-06-08"],
    ["06-08-1979", "1979-06-08"],
    ["06081979", "1979-06-08"],
    [" 1979-06-08 ", "1979-06-08"],
    ["1979-6-8", "1979-06-08"],
    ["02/29/2024", "2024-02-29"],
  ])("reads %s", (typed, iso) => expect(isoDate(typed)).toBe(iso));

  test.each(["", "6/8/79", "02/29/2023", "13/01/1979", "06/31/1979", "June 8", "19790608"])("does not guess %s", (typed) =>
    expect(isoDate(typed)).toBeNull(),
  );
});

test("age counts full years", () => {
  expect(age("1979-06-08", "2026-06-07")).toBe(46);
  expect(age("1979-06-08", "2026-06-08")).toBe(47);
});

test("daysBefore crosses months", () => expect(daysBefore("2026-03-01", 1)).toBe("2026-02-28"));

test("a day is the same in every time zone", () => expect(shownDay("2026-02-05")).toBe("Feb 5, 2026"));

test("elapsed names the largest unit", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(elapsed("2026-11-21T11:59:58Z", now)).toBe("now");
  expect(elapsed("2026-11-21T11:59:20Z", now)).toBe("40 s");
  expect(elapsed("2026-11-21T11:02:00Z", now)).toBe("58 min");
  expect(elapsed("2026-11-21T02:00:00Z", now)).toBe("10 h");
  expect(elapsed("2026-11-20T02:00:00Z", now)).toBe("1 day");
});

test("monthOf has the first and the last day, and the month before a January lies in another year", () => {
  expect(monthOf("2028-02-10")).toEqual({ from: "2028-02-01", to: "2028-02-29" });
  expect(monthOf("2026-01-31", 1)).toEqual({ from: "2025-12-01", to: "2025-12-31" });
});
