import { expect, test } from "vitest";
import { axisTop, csvAddress, everyDay, MEASURES, ranked } from "./figures";

const day = (name: string, orders = 1) => ({ ...nothing, day: name, orders });
const nothing = {
  completed: 0,
  rejected: 0,
  with_warnings: 0,
  seconds_p50: null,
  seconds_p95: null,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
};

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

test("an axis for seconds or dollars may be small", () => {
  expect(axisTop(0.03, false)).toBe(0.05);
  expect(axisTop(0, false)).toBe(1);
});

test("the parts of a day add up to what the measure says", () => {
  const busy = { ...day("2026-02-01", 10), completed: 6, rejected: 3, with_warnings: 4, seconds_p50: 1, seconds_p95: 5 };
  expect(MEASURES.orders.parts(busy)).toEqual([6, 1, 3]);
  expect(MEASURES.times.parts(busy)).toEqual([1, 4]);
  expect(MEASURES.warnings.parts(busy)).toEqual([6, 4]);
  expect(MEASURES.times.parts(day("2026-02-01"))).toEqual([0, 0]);
});
