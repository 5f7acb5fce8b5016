import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { call } from "@/api/call";
import { getApiCareplansByCareplanId, getApiOrders, getApiOrdersByOrderId, type ShownOrder } from "@/api/generated";

export const TERMINAL: ShownOrder["status"][] = ["completed", "rejected", "failed"];
const SLOW_POLL = 5_000;

const getOrder = (orderId: string, signal: AbortSignal) => call(getApiOrdersByOrderId({ path: { order_id: orderId }, signal }));

const isOrder = (data: unknown): data is ShownOrder => typeof data === "object" && data !== null && "order_id" in data;

/** One order, kept up to date by the server's events while it moves; asked for now and then where events do not come through. */
export function useOrder(orderId: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["order", orderId],
    queryFn: ({ signal }) => getOrder(orderId, signal),
    refetchInterval: ({ state }) => (state.data && !TERMINAL.includes(state.data.status) ? SLOW_POLL : false),
  });
  const moves = query.data !== undefined && !TERMINAL.includes(query.data.status);
  useEffect(() => {
    if (!moves) return;
    const events = new EventSource(`/api/orders/${orderId}/events`);
    events.addEventListener("order", ({ data }: MessageEvent<string>) => {
      const shown: unknown = JSON.parse(data);
      if (!isOrder(shown)) return;
      queries.setQueryData(["order", orderId], shown);
      // The server ends the stream here; a browser would open it again for ever.
      if (TERMINAL.includes(shown.status)) events.close();
    });
    return () => events.close();
  }, [orderId, moves, queries]);
  return query;
}

const getCarePlan = (id: string, signal: AbortSignal) => call(getApiCareplansByCareplanId({ path: { careplan_id: id }, signal }));

/** The read side: a plan with its versions. It follows the order by a moment. */
export function useVersions(careplanId: string | undefined, version: number | undefined) {
  return useQuery({
    queryKey: ["careplan", careplanId, version],
    queryFn: ({ signal }) => getCarePlan(careplanId ?? "", signal),
    enabled: careplanId !== undefined,
    refetchInterval: ({ state }) => (state.data && version !== undefined && state.data.version < version ? 1_000 : false),
  });
}

const getDrafts = (signal: AbortSignal) => call(getApiOrders({ query: { status: "completed", review: "draft", limit: 30 }, signal }));

/** Another plan that waits for a signature: of the newest thirty, who waits longest. While there is none, it is looked for. */
export function useNextToSign(orderId: string): string | undefined {
  const { data } = useQuery({
    queryKey: ["orders", "to sign", orderId],
    queryFn: async ({ signal }) => (await getDrafts(signal)).items.findLast(({ order_id }) => order_id !== orderId)?.order_id ?? null,
    refetchInterval: ({ state }) => (state.data ? false : 10_000),
  });
  return data ?? undefined;
}
