import { expect, test } from "vitest";
import { axisTop, csvAddress, everyDay, ranked } from "./figures";

const day = (name: string, orders = 1) => ({ day: name, orders, completed: 0, rejected: 0 });

test("days without orders are days", () =>
  expect(everyDay([day("2026-03-02"), day("2026-02-27")]).map(({ day: name, orders }) => `${name} ${orders}`)).toEqual([
    "2026-02-27 1",
    "2026-02-28 0",
    "2026-03-01 0",
    "2026-03-02 1",
  ]));

test("no days are no days", () => expect(everyDay([])).toEqual([]));

test("the largest count comes first", () => expect(ranked({ a: 1, b: 3, c: 3 }).map(([name]) => name)).toEqual(["b", "c", "a"]));

test.each([
  [0, 5],
  [7, 10],
  [11, 20],
  [21, 25],
  [26, 50],
  [100, 100],
])("the axis for %i ends at %i", (most, top) => expect(axisTop(most)).toBe(top));

test("the CSV has the period of the page", () => {
  expect(csvAddress({ from: "2026-01-01", to: "" })).toBe("/api/reports/orders.csv?from=2026-01-01");
  expect(csvAddress({ from: "", to: "" })).toBe("/api/reports/orders.csv");
});
