import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
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

export function useSession() {
  return useQuery({ queryKey: SESSION, queryFn: whoAmI, staleTime: Infinity, retry: 2 });
}

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
