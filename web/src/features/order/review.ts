import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call, withBody } from "@/api/call";
import { postApiCareplansByCareplanIdApprove, postApiOrdersByOrderIdRetry } from "@/api/generated";
import { orderFollows } from "@/shared/order-follows";

type Approve = { careplanId: string; version: number };

/** Signs the version that was read: if another was saved meanwhile, the server says so. */
const approve = ({ careplanId, version }: Approve) =>
  call(postApiCareplansByCareplanIdApprove(withBody({ path: { careplan_id: careplanId } }, { version })));

export function useApprove(orderId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: approve,
    onSuccess: (_signed, { version }) =>
      orderFollows(queries, orderId, (plan) => plan.version > version || plan.review === "approved"),
    onError: () => queries.invalidateQueries({ queryKey: ["order", orderId] }),
  });
}

export function useRetry(orderId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => call(postApiOrdersByOrderIdRetry({ path: { order_id: orderId } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["order", orderId] }),
  });
}
