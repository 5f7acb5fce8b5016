import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "@/api/call";
import { getApiIcd10 } from "@/api/generated";

const SHORTEST = 2;

const searchIcd10 = (q: string, signal: AbortSignal) => call(getApiIcd10({ query: { q, limit: 12 }, signal }));

/** Codes that begin with `q`, and descriptions with its words. */
export function useIcd10(q: string) {
  const wanted = q.trim();
  return useQuery({
    queryKey: ["icd10", wanted.toLowerCase()],
    queryFn: ({ signal }) => searchIcd10(wanted, signal),
    enabled: wanted.length >= SHORTEST,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
}

/** As the server writes a code: with the dot, upper case. */
export function asCode(typed: string): string {
  const plain = typed.trim().toUpperCase().replace(".", "");
  return plain.length > 3 ? `${plain.slice(0, 3)}.${plain.slice(3)}` : plain;
}

/** Whether a code is typed, not words of a description. */
export const isLikeCode = (typed: string) => /^[a-z]\d/i.test(typed.trim());
