import type { Citation, Sections } from "@/api/generated";

export type Piece = { text: string; citations: string[] };

/**
 * The records, cut where quotes begin and end; quotes may overlap. Offsets count code points, as the server does;
 * JavaScript's own count UTF-16 units, and would be off by one after every emoji.
 */
export function pieces(records: string, citations: Citation[]): Piece[] {
  const points = Array.from(records);
  const quotes = citations.flatMap(({ id, kind, start, end }) =>
    kind === "record" && typeof start === "number" && typeof end === "number" && start < end && start < points.length
      ? [{ id, start: Math.max(0, start), end: Math.min(end, points.length) }]
      : [],
  );
  const cuts = [...new Set([0, points.length, ...quotes.flatMap(({ start, end }) => [start, end])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((from, place) => {
    const to = cuts[place + 1] ?? points.length;
    return {
      text: points.slice(from, to).join(""),
      citations: quotes.filter(({ start, end }) => start <= from && end >= to).map(({ id }) => id),
    };
  });
}

/** Drug facts under the source they come from, in the order of their first mention. */
export function factsBySource(citations: Citation[]): [string, Citation[]][] {
  const found = new Map<string, Citation[]>();
  for (const citation of citations) {
    if (citation.kind === "knowledge") found.set(citation.source, [...(found.get(citation.source) ?? []), citation]);
  }
  return [...found];
}

/** The field of the order that a citation names: `patient.allergies.0` is `allergies`. */
export function orderField(source: string): string {
  const path = source.split(".").filter((part) => !/^\d+$/.test(part));
  return path.at(-1) ?? source;
}

const SEVERITY = { high: 0, moderate: 1, low: 2 };

/** Problems of high severity first; within a severity as the plan has them. */
export const bySeverity = (problems: Sections["problem_list"]) =>
  problems.toSorted((a, b) => SEVERITY[a.severity] - SEVERITY[b.severity]);
