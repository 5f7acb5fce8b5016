import { describe, expect, test } from "vitest";
import type { FoundOrder } from "@/api/generated";
import { byNeed, needOf, queryOf, readFilters, withHead, writeFilters } from "./filters";

const order = (order_id: string, status: FoundOrder["status"], review: FoundOrder["review"] = null) =>
  ({ order_id, status, review }) as FoundOrder;

describe("the address", () => {
  test("and the filters are the same thing", () => {
    const address = "view=all&q=bell&status=failed&from=2026-01-01";
    expect(writeFilters(readFilters(new URLSearchParams(address))).toString()).toBe(address);
  });
  test("may be misspelt", () =>
    expect(readFilters(new URLSearchParams("view=x&status=lost&from=soon&q=a"))).toMatchObject({
      view: "needs",
      status: "",
      from: "",
      q: "a",
    }));
  test("asks the server only for what is set", () =>
    expect(queryOf(readFilters(new URLSearchParams("view=all&q=a")))).toEqual({ q: "a" }));
});

describe("what needs somebody", () => {
  test("a draft needs those who may sign", () => {
    expect(needOf(order("1", "completed", "draft"), true)).toBe("toSign");
    expect(needOf(order("1", "completed", "draft"), false)).toBeNull();
    expect(needOf(order("1", "completed", "approved"), true)).toBeNull();
  });
  test("comes in the order of urgency, the oldest first", () => {
    const found = [
      order("5", "completed", "draft"),
      order("4", "failed"),
      order("3", "needs_confirmation"),
      order("2", "needs_confirmation"),
      order("1", "processing"),
    ];
    expect(byNeed(found, true).map(({ order: { order_id } }) => order_id)).toEqual(["2", "3", "4", "5"]);
  });
});

describe("withHead", () => {
  const loaded = [order("4", "processing"), order("3", "failed"), order("2", "failed"), order("1", "failed")];
  test("puts what is new first and brings what changed", () => {
    const head = [order("5", "pending"), order("4", "completed"), order("3", "failed")];
    expect(withHead(loaded, head, false).map(({ order_id, status }) => `${order_id} ${status}`)).toEqual([
      "5 pending",
      "4 completed",
      "3 failed",
      "2 failed",
      "1 failed",
    ]);
  });
  test("drops what the filter no longer finds", () =>
    expect(withHead(loaded, [order("4", "failed"), order("2", "failed")], false).map((o) => o.order_id)).toEqual(["4", "2", "1"]));
  test("a whole answer leaves nothing of before", () => expect(withHead(loaded, [], true)).toEqual([]));
  test("an empty page of a longer list changes nothing", () => expect(withHead(loaded, [], false)).toEqual(loaded));
});
