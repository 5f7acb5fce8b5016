import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "@/api/call";
import { getApiReportsSummary, type Day } from "@/api/generated";

export type Period = { from: string; to: string };

const getSummary = (period: Period, signal: AbortSignal) => call(getApiReportsSummary({ query: period, signal }));

export function useSummary(period: Period) {
  return useQuery({
    queryKey: ["summary", period],
    queryFn: ({ signal }) => getSummary(period, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
}

export const csvAddress = ({ from, to }: Period) => {
  const wanted = new URLSearchParams([...(from ? [["from", from]] : []), ...(to ? [["to", to]] : [])]);
  return `/api/reports/orders.csv${wanted.size > 0 ? `?${wanted.toString()}` : ""}`;
};

/** Every day from the first to the last, the ones without orders too: a gap is information. Oldest first. */
export function everyDay(days: Day[]): Day[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const sorted = [...known.keys()].sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return [];
  const all: Day[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    all.push(known.get(day) ?? { day, orders: 0, completed: 0, rejected: 0 });
  }
  return all;
}

/** The largest first. */
export const ranked = (counts: Record<string, number>) => Object.entries(counts).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));

/** A round number at or above the largest, for the axis. */
export function axisTop(most: number): number {
  if (most <= 5) return 5;
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((times) => times * step).find((top) => top >= most) ?? most;
}
