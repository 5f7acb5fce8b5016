import { useQuery } from "@tanstack/react-query";
import { apiError } from "@/api/call";
import type { AsyncApi } from "./asyncapi";
import type { OpenApi } from "./openapi";

/** Our own files, at our own address. */
async function read<T>(path: string, signal: AbortSignal): Promise<T> {
  const answer = await fetch(path, { signal, headers: { Accept: "application/json" } }).catch((error: unknown) => {
    throw signal.aborted ? error : apiError(0, null);
  });
  if (!answer.ok) throw apiError(answer.status, await answer.json().catch(() => null));
  return (await answer.json()) as T;
}

export const useOpenApi = () =>
  useQuery({ queryKey: ["openapi"], queryFn: ({ signal }) => read<OpenApi>("/openapi.json", signal), staleTime: Infinity });

/** null: this build has none. */
export const useAsyncApi = () =>
  useQuery({
    queryKey: ["asyncapi"],
    queryFn: ({ signal }) => read<AsyncApi>("/asyncapi.json", signal).catch(() => null),
    staleTime: Infinity,
  });
