import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "@/api/call";
import { getApiReportsSummary, type Day } from "@/api/generated";
import { locale, t } from "@/texts";

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

const nothingOn = (day: string): Day => ({
  day,
  orders: 0,
  completed: 0,
  rejected: 0,
  with_warnings: 0,
  seconds_p50: null,
  seconds_p95: null,
  input_tokens: 0,
  output_tokens: 0,
  cost_usd: 0,
});

/** Every day from the first to the last, the ones without orders too: a gap is information. Oldest first. */
export function everyDay(days: Day[]): Day[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const sorted = [...known.keys()].sort();
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return [];
  const all: Day[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    all.push(known.get(day) ?? nothingOn(day));
  }
  return all;
}

/** The largest first. */
export const ranked = (counts: Record<string, number>) => Object.entries(counts).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));

/** A round number at or above the largest, for the axis. */
export function axisTop(most: number, isWhole = true): number {
  if (isWhole && most <= 5) return 5;
  if (most <= 0) return 1;
  const step = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((times) => times * step).find((top) => top >= most) ?? most;
}

const number = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat(locale, { style: "currency", currency: "USD" });

/** What the chart can show of a day. `parts` are stacked, in the order of `labels`. */
export type Measure = {
  title: string;
  labels: string[];
  parts: (day: Day) => number[];
  shown: (value: number) => string;
  isWhole: boolean;
};

const count = (value: number) => number.format(value);

export const MEASURES = {
  orders: {
    title: t.reports.orders,
    labels: [t.reports.completed, t.reports.open, t.reports.rejected],
    parts: ({ orders, completed, rejected }) => [completed, orders - completed - rejected, rejected],
    shown: count,
    isWhole: true,
  },
  times: {
    title: t.reports.times,
    labels: [t.reports.medianShort, t.reports.p95More],
    parts: ({ seconds_p50, seconds_p95 }) => [seconds_p50 ?? 0, (seconds_p95 ?? 0) - (seconds_p50 ?? 0)],
    shown: t.reports.seconds,
    isWhole: false,
  },
  warnings: {
    title: t.reports.withWarnings,
    labels: [t.reports.without, t.reports.withWarnings],
    parts: ({ orders, with_warnings }) => [orders - with_warnings, with_warnings],
    shown: count,
    isWhole: true,
  },
  tokens: {
    title: t.reports.tokensShort,
    labels: [t.reports.tokensIn, t.reports.tokensOut],
    parts: ({ input_tokens, output_tokens }) => [input_tokens, output_tokens],
    shown: count,
    isWhole: true,
  },
  cost: {
    title: t.reports.cost,
    labels: [t.reports.cost],
    parts: ({ cost_usd }) => [cost_usd],
    shown: (value) => dollars.format(value),
    isWhole: false,
  },
} satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;
export const isMeasure = (name: string | null): name is MeasureName => name !== null && name in MEASURES;
