import { expect, test } from "vitest";
import type { FoundOrder } from "@/api/generated";
import { replaced } from "./live-list";

const order = (order_id: string, status: FoundOrder["status"]) => ({ order_id, status }) as FoundOrder;
const page = { items: [order("2", "pending"), order("1", "pending")], next_cursor: "c" };

test("a changed order takes its own place", () => {
  const now = replaced(page, new Map([["1", order("1", "failed")]]));
  expect(now.items.map(({ order_id, status }) => `${order_id} ${status}`)).toEqual(["2 pending", "1 failed"]);
  expect(now.next_cursor).toBe("c");
});

test("a page that holds none of them stays the same, so nothing is drawn anew", () =>
  expect(replaced(page, new Map([["3", order("3", "failed")]]))).toBe(page));
