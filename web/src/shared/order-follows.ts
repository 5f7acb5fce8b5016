import type { QueryClient } from "@tanstack/react-query";
import { call } from "@/api/call";
import { getApiOrdersByOrderId, type OrderCarePlan } from "@/api/generated";

const PAUSE = 200;
const TRIES = 50;

/**
 * Waits until the order shows what another service has just answered: its events travel for a moment. Goes on after
 * ten seconds in any case; the change itself is safe.
 */
export async function orderFollows(queries: QueryClient, orderId: string, isThere: (plan: OrderCarePlan) => boolean) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const order = await call(getApiOrdersByOrderId({ path: { order_id: orderId } })).catch(() => null);
    if (order?.careplan && isThere(order.careplan)) {
      queries.setQueryData(["order", orderId], order);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  void queries.invalidateQueries({ queryKey: ["careplan"] });
  void queries.invalidateQueries({ queryKey: ["orders"] });
}
