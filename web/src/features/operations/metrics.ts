export type Traffic = { service: string; requests: number; errors: number; seconds: number };

const LINE = /^careplan_http_request_seconds_(count|sum)\{([^}]*)\} ([0-9.eE+-]+)$/;
const label = (labels: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(labels)?.[1] ?? "";

/** Requests, server errors and average time of each service, from Prometheus' text form. */
export function trafficOf(text: string): Traffic[] {
  const found = new Map<string, Traffic>();
  for (const line of text.split("\n")) {
    const [, kind, labels = "", value] = LINE.exec(line) ?? [];
    if (!kind) continue;
    const service = label(labels, "service");
    const all = found.get(service) ?? { service, requests: 0, errors: 0, seconds: 0 };
    found.set(service, all);
    if (kind === "sum") all.seconds += Number(value);
    else {
      all.requests += Number(value);
      if (label(labels, "status").startsWith("5")) all.errors += Number(value);
    }
  }
  return [...found.values()].sort((a, b) => a.service.localeCompare(b.service));
}
