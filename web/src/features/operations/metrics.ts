export type ServiceFigures = {
  service: string;
  isUp: boolean;
  /** Messages not handled yet, over all topics. */
  lag: number;
  handled: number;
  /** Events handled a second since the last look; null at the first. */
  perSecond: number | null;
  outboxSeconds: number;
  jobs: number | null;
  deadLetters: number;
  requests: number;
  errors: number;
  seconds: number;
};

export type Sample = { at: number; services: ServiceFigures[] };

const LINE = /^careplan_([a-z_]+)\{([^}]*)\} ([0-9.eE+-]+)$/;
const label = (labels: string, name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";

const nothing = (service: string): ServiceFigures => ({
  service,
  isUp: true,
  lag: 0,
  handled: 0,
  perSecond: null,
  outboxSeconds: 0,
  jobs: null,
  deadLetters: 0,
  requests: 0,
  errors: 0,
  seconds: 0,
});

const READ: Record<string, (figures: ServiceFigures, value: number, labels: string) => void> = {
  database_up: (figures, value) => (figures.isUp = value === 1),
  kafka_lag: (figures, value) => (figures.lag += value),
  events_handled_total: (figures, value) => (figures.handled += value),
  outbox_oldest_seconds: (figures, value) => (figures.outboxSeconds = value),
  jobs_waiting: (figures, value) => (figures.jobs = value),
  dead_letters_waiting: (figures, value) => (figures.deadLetters = value),
  http_request_seconds_sum: (figures, value) => (figures.seconds += value),
  http_request_seconds_count: (figures, value, labels) => {
    figures.requests += value;
    if (label(labels, "status").startsWith("5")) figures.errors += value;
  },
};

/** What each service says of itself, from Prometheus' text form. */
export function figuresOf(text: string): ServiceFigures[] {
  const found = new Map<string, ServiceFigures>();
  for (const line of text.split("\n")) {
    const [, name = "", labels = "", value] = LINE.exec(line) ?? [];
    const service = label(labels, "service");
    if (!service || service === "operations") continue;
    const figures = found.get(service) ?? nothing(service);
    found.set(service, figures);
    READ[name]?.(figures, Number(value), labels);
  }
  return [...found.values()].sort((a, b) => a.service.localeCompare(b.service));
}

/** How much was handled between two looks. A count that fell belongs to a process that was started again. */
export function withThroughput(now: Sample, before: Sample | undefined): Sample {
  if (!before) return now;
  const seconds = Math.max(0.001, (now.at - before.at) / 1_000);
  const earlier = new Map(before.services.map(({ service, handled }) => [service, handled]));
  const services = now.services.map((figures) => {
    const was = earlier.get(figures.service);
    const isSame = was !== undefined && figures.handled >= was;
    return { ...figures, perSecond: isSame ? (figures.handled - was) / seconds : null };
  });
  return { at: now.at, services };
}
