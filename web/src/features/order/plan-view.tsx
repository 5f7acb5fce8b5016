import type { ReactNode } from "react";
import type { Goal, Intervention, Monitoring, OrderCarePlan, Problem } from "@/api/generated";
import { Badge } from "@/shared/badge";
import { Callout } from "@/shared/callout";
import { shownDay } from "@/shared/dates";
import { t } from "@/texts";
import { bySeverity } from "./evidence";
import styles from "./plan-view.module.css";

/** What is lit: a statement, or one of its citations alone. */
export type Lit = { item: string; citations: string[] };
type Choose = { lit: Lit | null; onLight: (lit: Lit | null) => void };
type Item = Problem | Goal | Intervention | Monitoring;

const TONE = { high: "danger", moderate: "warn", low: "plain" } as const;

/** The four sections; what is missing stands first, then problems by severity. */
export function PlanView({ plan, ...choose }: { plan: OrderCarePlan } & Choose) {
  const { problem_list, goals, interventions, monitoring } = plan.sections;
  const gaps = plan.gaps ?? [];
  return (
    <div className={styles.plan}>
      {gaps.length > 0 && (
        <Callout tone="warn" title={t.order.gaps(gaps.length)}>
          <ul>
            {gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </Callout>
      )}
      {plan.text_edited && (
        <Callout tone="info">
          <p>{t.order.textEdited}</p>
          <pre className={styles.text}>{plan.text}</pre>
        </Callout>
      )}
      <Section title={t.order.sections.problem_list}>
        {bySeverity(problem_list).map((problem) => (
          <Statement key={problem.id} item={problem} severity={problem.severity} {...choose}>
            <p className={styles.tags}>
              <Badge tone={TONE[problem.severity]}>{t.order.severity[problem.severity]}</Badge>
              <span>{t.order.category[problem.category]}</span>
            </p>
          </Statement>
        ))}
      </Section>
      <Section title={t.order.sections.goals}>
        {goals.map((goal) => (
          <Statement key={goal.id} item={goal} {...choose}>
            <Details item={goal} fields={["measure", "target"]} />
            <dl className={styles.details}>
              <dt>{t.order.fields.due}</dt>
              <dd>{shownDay(goal.due)}</dd>
            </dl>
          </Statement>
        ))}
      </Section>
      <Section title={t.order.sections.interventions}>
        {interventions.map((intervention) => (
          <Statement key={intervention.id} item={intervention} {...choose}>
            <Details item={intervention} fields={["when", "by"]} />
          </Statement>
        ))}
      </Section>
      <Section title={t.order.sections.monitoring}>
        {monitoring.map((check) => (
          <Statement key={check.id} item={check} {...choose}>
            <Details item={check} fields={["test", "first", "interval", "threshold", "action", "responsible"]} />
          </Statement>
        ))}
      </Section>
    </div>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h2>{title}</h2>
      <ol>{children}</ol>
    </section>
  );
}

type Field = keyof typeof t.order.fields;

function Details<T extends object>({ item, fields }: { item: T; fields: (Field & keyof T)[] }) {
  return (
    <dl className={styles.details}>
      {fields.map((field) => (
        <div key={field}>
          <dt>{t.order.fields[field]}</dt>
          <dd>{String(item[field])}</dd>
        </div>
      ))}
    </dl>
  );
}

type StatementProps = { item: Item; severity?: string; children: ReactNode } & Choose;

function Statement({ item, severity, children, lit, onLight }: StatementProps) {
  const citations = item.citations ?? [];
  const addresses = "addresses" in item ? (item.addresses ?? []) : [];
  const isLit = lit?.item === item.id;
  const isAll = isLit && lit.citations.length === citations.length;
  return (
    <li className={styles.statement} data-lit={isLit || undefined} data-severity={severity} id={item.id}>
      <button
        type="button"
        className={styles.claim}
        aria-pressed={isAll}
        onClick={() => onLight(isAll ? null : { item: item.id, citations })}
      >
        <b>{item.id}</b> {item.text}
      </button>
      {children}
      <p className={styles.tags}>
        {addresses.length > 0 && <span>{t.order.forProblems(addresses.join(", "))}</span>}
        {citations.map((id) => (
          <button
            key={id}
            type="button"
            className={styles.citation}
            aria-label={`${t.order.evidence} ${id}, ${item.id}`}
            aria-pressed={isLit && lit.citations.includes(id)}
            onClick={() => onLight({ item: item.id, citations: [id] })}
          >
            {id}
          </button>
        ))}
      </p>
    </li>
  );
}
