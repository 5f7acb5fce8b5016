import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "@/api/call";
import { postApiOrdersByOrderIdConfirm } from "@/api/generated";

export type ConfirmOrder = { orderId: string; key: string };

const confirmOrder = ({ orderId, key }: ConfirmOrder) =>
  call(
    postApiOrdersByOrderIdConfirm({
      path: { order_id: orderId },
      headers: { Prefer: "wait=10", "Idempotency-Key": key },
    }),
  );

export function useConfirmOrder() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: confirmOrder,
    onSettled: (_data, _error, { orderId }) =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["order", orderId] }),
        queries.invalidateQueries({ queryKey: ["orders"] }),
      ]),
  });
}
