import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call } from "@/api/call";
import {
  getApiNotificationsDeliveries,
  getApiOpsDeadLetters,
  getApiOpsSubmissions,
  getHealthLive,
  getHealthReady,
  postApiNotificationsDeliveriesByDeliveryIdResend,
  postApiOpsDeadLettersByIdReplay,
  postApiOpsSubmissionsByIdResubmit,
} from "@/api/generated";
import { newId } from "@/shared/new-id";
import { trafficOf } from "./metrics";

const EVERY = 5_000;

async function answers(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

export function useHealth() {
  return useQuery({
    queryKey: ["health"],
    queryFn: async () => {
      const [live, ready] = await Promise.all([answers(call(getHealthLive())), answers(call(getHealthReady()))]);
      return { live, ready, at: new Date() };
    },
    refetchInterval: EVERY,
  });
}

/** null: /metrics is open on the server's own machine only. */
export function useTraffic() {
  return useQuery({
    queryKey: ["metrics"],
    queryFn: async ({ signal }) => {
      const answer = await fetch("/metrics", { signal });
      return answer.ok ? trafficOf(await answer.text()) : null;
    },
    refetchInterval: EVERY,
    retry: false,
  });
}

export function useDeadLetters() {
  return useQuery({
    queryKey: ["dead-letters"],
    queryFn: ({ signal }) => call(getApiOpsDeadLetters({ query: { limit: 200 }, signal })),
    refetchInterval: EVERY,
  });
}

export function useReplay() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      call(postApiOpsDeadLettersByIdReplay({ path: { id }, headers: { "Idempotency-Key": newId() } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["dead-letters"] }),
  });
}

export function useSubmissions() {
  return useInfiniteQuery({
    queryKey: ["submissions"],
    queryFn: ({ pageParam, signal }) =>
      call(getApiOpsSubmissions({ query: { limit: 50, ...(pageParam && { cursor: pageParam }) }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useResubmit() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      call(postApiOpsSubmissionsByIdResubmit({ path: { id }, headers: { "Idempotency-Key": newId() } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["submissions"] }),
  });
}

export function useDeliveries() {
  return useQuery({
    queryKey: ["deliveries"],
    queryFn: ({ signal }) => call(getApiNotificationsDeliveries({ query: { limit: 50 }, signal })),
    refetchInterval: EVERY,
  });
}

export function useResend() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      call(
        postApiNotificationsDeliveriesByDeliveryIdResend({
          path: { delivery_id: id },
          headers: { "Idempotency-Key": newId() },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["deliveries"] }),
  });
}
