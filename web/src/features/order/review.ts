import { useMutation, useQueryClient } from "@tanstack/react-query";
import * as z from "zod/mini";
import { ApiError, call } from "@/api/call";
import { postApiCareplansByCareplanIdApprove, postApiOrdersByOrderIdRetry } from "@/api/generated";
import { orderFollows } from "@/shared/order-follows";

type Approve = { careplanId: string; version: number };

/** Signs the version that was read: if another was saved meanwhile, the server says so. */
const approve = ({ careplanId, version }: Approve) =>
  call(postApiCareplansByCareplanIdApprove({ path: { careplan_id: careplanId }, body: { version } }));

export function useApprove(orderId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: approve,
    onSuccess: (_signed, { version }) =>
      orderFollows(queries, orderId, (plan) => plan.version > version || plan.review === "approved"),
    onError: () => queries.invalidateQueries({ queryKey: ["order", orderId] }),
  });
}

const gates = z.object({ gates: z.array(z.object({ gate: z.string(), where: z.string(), message: z.string() })) });

/** Where a signature was refused because the plan is not fit for one: what is still open. */
export function openGatesOf(error: Error): z.infer<typeof gates>["gates"] {
  const read = gates.safeParse(error instanceof ApiError ? error.body.detail : null);
  return read.success ? read.data.gates : [];
}

export function useRetry(orderId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => call(postApiOrdersByOrderIdRetry({ path: { order_id: orderId } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["order", orderId] }),
  });
}
