import { useMutation } from "@tanstack/react-query";
import { ApiError, call, faultsOf, type Fault } from "@/api/call";
import { postApiOrders, type AcceptedOrder } from "@/api/generated";
import { decisionOf, type Decision } from "@/shared/findings/findings";
import type { OrderBody } from "./order-form";

export type SubmitOrder = { body: OrderBody; file: File | null; key: string };

/** Every way a submission can end; `failed` may be sent again as it is. */
export type Outcome =
  | { kind: "accepted"; order: AcceptedOrder }
  | { kind: "faults"; faults: Fault[] }
  | { kind: "blocked"; decision: Decision }
  | { kind: "warned"; decision: Decision; orderId: string }
  | { kind: "failed"; error: unknown };

export function outcomeOf(error: unknown): Outcome {
  if (error instanceof ApiError) {
    const { type } = error.body;
    if (type === "validation") return { kind: "faults", faults: faultsOf(error) };
    const decision = decisionOf(error);
    if (type === "block") return { kind: "blocked", decision };
    if (type === "warning" && decision.orderId) return { kind: "warned", decision, orderId: decision.orderId };
  }
  return { kind: "failed", error };
}

function send({ body, file, key }: SubmitOrder): Promise<AcceptedOrder> {
  const headers = { Prefer: "wait=10", "Idempotency-Key": key };
  if (!file) return call(postApiOrders({ body, headers }));
  const parts = new FormData();
  parts.append("order", new Blob([JSON.stringify(body)], { type: "application/json" }));
  parts.append("patient_records", new Blob([file], { type: kindOf(file) ?? file.type }), file.name);
  // No content type of ours: the browser writes the boundary.
  const multipart = { body: parts as unknown as OrderBody, bodySerializer: null, headers: { ...headers, "Content-Type": null } };
  return call(postApiOrders(multipart as unknown as Parameters<typeof postApiOrders>[0]));
}

export function useSubmitOrder() {
  return useMutation({
    mutationFn: async (submission: SubmitOrder): Promise<Outcome> => {
      try {
        return { kind: "accepted", order: await send(submission) };
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) throw error;
        return outcomeOf(error);
      }
    },
  });
}

export const LARGEST_FILE = 10 * 1024 * 1024;

/** The media type that is sent; null: a kind that cannot be read. */
export function kindOf(file: Pick<File, "name" | "type">): "application/pdf" | "text/plain" | null {
  if (file.type === "application/pdf" || /\.pdf$/i.test(file.name)) return "application/pdf";
  if (file.type === "text/plain" || /\.(txt|text)$/i.test(file.name)) return "text/plain";
  return null;
}
