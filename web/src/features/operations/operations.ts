import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call } from "@/api/call";
import {
  getApiNotificationsDeliveries,
  deleteApiOpsKeysByKeyId,
  getApiOpsAccounts,
  getApiOpsAudit,
  getApiOpsDeadLetters,
  getApiOpsKeys,
  getApiOpsModels,
  getApiOpsSubmissions,
  getHealthLive,
  getHealthReady,
  patchApiOpsAccountsByUsername,
  postApiOpsAccountsByUsernameSignOut,
  postApiOpsKeys,
  postApiOpsKeysByKeyIdRotate,
  postApiNotificationsDeliveriesByDeliveryIdResend,
  postApiOpsDeadLettersByIdReplay,
  postApiOpsSubmissionsByIdResubmit,
} from "@/api/generated";
import { newId } from "@/shared/new-id";
import { figuresOf, withThroughput, type Sample } from "./metrics";

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
export function useServices() {
  const queries = useQueryClient();
  const { data, ...state } = useQuery({
    queryKey: ["metrics"],
    queryFn: async ({ signal }) => {
      const answer = await fetch("/metrics", { signal });
      if (!answer.ok) return null;
      const now = { at: Date.now(), services: figuresOf(await answer.text()) };
      return withThroughput(now, queries.getQueryData<Sample | null>(["metrics"]) ?? undefined);
    },
    refetchInterval: EVERY,
    retry: false,
  });
  return { ...state, data: data?.services };
}

export function useModels() {
  return useQuery({ queryKey: ["models"], queryFn: ({ signal }) => call(getApiOpsModels({ signal })), refetchInterval: EVERY });
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

export function useKeys() {
  return useQuery({ queryKey: ["keys"], queryFn: ({ signal }) => call(getApiOpsKeys({ query: { limit: 100 }, signal })) });
}

type KeyWanted = { source?: string; username?: string; name: string; days: number };

export function useCreateKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (wanted: KeyWanted) => call(postApiOpsKeys({ body: wanted, headers: { "Idempotency-Key": newId() } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

export function useRotateKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      call(postApiOpsKeysByKeyIdRotate({ path: { key_id: id }, headers: { "Idempotency-Key": newId() } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

export function useRevokeKey() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call(deleteApiOpsKeysByKeyId({ path: { key_id: id } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
}

export function useAccounts() {
  return useQuery({ queryKey: ["accounts"], queryFn: ({ signal }) => call(getApiOpsAccounts({ signal })) });
}

export function useChangeAccount() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ username, disabled }: { username: string; disabled: boolean }) =>
      call(patchApiOpsAccountsByUsername({ path: { username }, body: { disabled } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["accounts"] }),
  });
}

export function useSignOutEverywhere() {
  return useMutation({
    mutationFn: (username: string) => call(postApiOpsAccountsByUsernameSignOut({ path: { username } })),
  });
}

export type AuditWanted = { subject?: string; action?: string; entity?: string };

export function useAudit(wanted: AuditWanted) {
  const set = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  return useInfiniteQuery({
    queryKey: ["audit", set],
    queryFn: ({ pageParam, signal }) =>
      call(getApiOpsAudit({ query: { ...set, limit: 100, ...(pageParam && { cursor: pageParam }) }, signal })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor,
  });
}
