import { queryOptions, useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { ApiError, call } from "@/api/call";
import { deleteApiSession, getApiSession, postApiSession, type WhoIAm } from "@/api/generated";

export type Role = "assistant" | "pharmacist" | "analyst" | "admin";
export const SESSION = ["session"];

/** null: nobody is signed in. */
async function whoAmI(): Promise<WhoIAm | null> {
  try {
    return await call(getApiSession());
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

const session = queryOptions({ queryKey: SESSION, queryFn: whoAmI, staleTime: Infinity, retry: 2 });

export function useSession() {
  return useQuery(session);
}

/** While the page is still being put together: nothing is shown before it is known who looks. */
export const askWhoIAm = (queries: QueryClient) => queries.query(session).catch(() => null);

/** True where the session may do what one of `roles` may; an administrator may do all. */
export function may(session: WhoIAm | null | undefined, ...roles: Role[]): boolean {
  return session?.roles.some((role) => role === "admin" || roles.includes(role as Role)) ?? false;
}

export function useMay(...roles: Role[]): boolean {
  return may(useSession().data, ...roles);
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    meta: { signsIn: true },
    mutationFn: (credentials: { username: string; password: string }) => call(postApiSession({ body: credentials })),
    onSuccess: async () => queries.setQueryData(SESSION, await whoAmI()),
  });
}

/** Leaves nothing of a patient behind in this tab. */
export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => call(deleteApiSession()),
    onSettled: () => {
      sessionStorage.clear();
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION[0] });
      queries.setQueryData(SESSION, null);
    },
  });
}
