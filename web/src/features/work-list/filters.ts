import * as z from "zod/mini";
import type { FoundOrder } from "@/api/generated";

export const STATUSES = ["pending", "needs_confirmation", "rejected", "processing", "completed", "failed"] as const;

const text = z.catch(z.string(), "");
const day = z.catch(z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/)), "");

const filters = z.object({
  view: z.catch(z.enum(["needs", "all"]), "needs"),
  q: text,
  status: z.catch(z.enum(["", ...STATUSES]), ""),
  medication: text,
  source: text,
  from: day,
  to: day,
});

export type Filters = z.infer<typeof filters>;

/** The address is the state: a link, a reload and Back bring the same list. What it misspells is left out. */
export const readFilters = (params: URLSearchParams): Filters => filters.parse(Object.fromEntries(params));

/** Only what is set stands in the address. */
export function writeFilters(wanted: Filters): URLSearchParams {
  const { view, ...others } = wanted;
  const set = Object.entries(others).filter(([, value]) => value !== "");
  return new URLSearchParams([...(view === "all" ? [["view", view]] : []), ...set]);
}

/** What the server is asked for. */
export function queryOf(wanted: Filters): Record<string, string> {
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => name !== "view" && value !== ""));
}

export const isFiltered = (wanted: Filters) => Object.keys(queryOf(wanted)).length > 0;

export type Need = "toConfirm" | "failed" | "toSign";

/** Why an order waits for the person looking, if it does. */
export function needOf(order: Pick<FoundOrder, "status" | "review">, maySign: boolean): Need | null {
  if (order.status === "needs_confirmation") return "toConfirm";
  if (order.status === "failed") return "failed";
  if (maySign && order.status === "completed" && order.review === "draft") return "toSign";
  return null;
}

const URGENCY: Need[] = ["toConfirm", "failed", "toSign"];

/** First what is to be confirmed, then what failed, then what is to be signed; within each, who waits longest comes first. */
export function byNeed(orders: FoundOrder[], maySign: boolean): { order: FoundOrder; need: Need }[] {
  return orders
    .flatMap((order) => {
      const need = needOf(order, maySign);
      return need ? [{ order, need }] : [];
    })
    .sort((a, b) => URGENCY.indexOf(a.need) - URGENCY.indexOf(b.need) || (a.order.order_id < b.order.order_id ? -1 : 1));
}

/** Pages loaded earlier, and the newest page as it is now. Newest first; where both know an order, the newest page is right. */
export function withHead(loaded: FoundOrder[], head: FoundOrder[], isWhole: boolean): FoundOrder[] {
  const oldest = head.at(-1)?.order_id;
  const isCovered = (order: FoundOrder) => isWhole || (oldest !== undefined && order.order_id >= oldest);
  const rest = loaded.filter((order) => !isCovered(order));
  return [...head, ...rest];
}
