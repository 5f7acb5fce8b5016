import { Button } from "@mantine/core";
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import type { Citation, Order } from "@/api/generated";
import { shownDay } from "@/shared/dates";
import { t } from "@/texts";
import { factsBySource, orderField, pieces } from "./evidence";
import type { Lit } from "./plan-view";
import styles from "./evidence-panel.module.css";

/** `citations`: null where there is no plan that could rest on anything. */
type Props = { order: Order; citations: Citation[] | null; lit: Lit | null; onLight: (lit: Lit | null) => void };

const NONE: Citation[] = [];

/** What the plan rests on. The lit statement's evidence stands on top and glows where it stands in the record. */
export function EvidencePanel({ order, citations: given, lit, onLight }: Props) {
  const citations = given ?? NONE;
  const panel = useRef<HTMLDivElement>(null);
  const named = new Set(lit?.citations);
  const shown = citations.filter(({ id }) => named.has(id));

  useEffect(() => {
    const first = panel.current?.querySelector("[data-lit='true']");
    first?.scrollIntoView({ block: "nearest" });
  }, [lit]);

  return (
    <aside className={styles.panel} aria-label={t.order.evidence}>
      <div className={styles.chosen} aria-live="polite">
        {lit ? (
          <>
            <div className={styles.head}>
              <h2>{t.order.evidenceOf(lit.item)}</h2>
              <Button size="compact-sm" variant="subtle" onClick={() => onLight(null)}>
                {t.order.evidenceClear}
              </Button>
            </div>
            {shown.length === 0 && <p>{t.order.evidenceNone}</p>}
            <ul>
              {shown.map((citation) => (
                <li key={citation.id}>
                  <b>{citation.id}</b> “{citation.quote}” <small>{sourceOf(citation)}</small>
                </li>
              ))}
            </ul>
          </>
        ) : (
          <>
            <h2>{given ? t.order.evidence : t.order.submitted}</h2>
            {given && <p>{t.order.evidenceHint}</p>}
          </>
        )}
      </div>
      <div ref={panel} className={styles.scroll} tabIndex={0} role="region" aria-label={t.order.recordsText}>
        <h3>{t.order.records}</h3>
        <Records text={order.patient_records} citations={citations} named={named} />
        <h3>{t.order.orderFacts}</h3>
        <OrderFacts order={order} cited={shown} />
        {given && (
          <>
            <h3>{t.order.facts}</h3>
            <Facts citations={citations} named={named} />
          </>
        )}
      </div>
    </aside>
  );
}

function sourceOf({ kind, source }: Citation): string {
  if (kind === "record") return t.order.records;
  return kind === "order" ? `${t.order.orderFacts}: ${labelOf(orderField(source))}` : source;
}

const labelOf = (field: string) => (t.order.orderFields as Record<string, string>)[field] ?? field;

function Records({ text, citations, named }: { text: string; citations: Citation[]; named: Set<string> }) {
  const cut = useMemo(() => pieces(text, citations), [text, citations]);
  return (
    <div className={styles.records}>
      {cut.map((piece, place) =>
        piece.citations.length === 0 ? (
          <span key={place}>{piece.text}</span>
        ) : (
          <mark key={place} title={piece.citations.join(", ")} data-lit={piece.citations.some((id) => named.has(id))}>
            {piece.text}
          </mark>
        ),
      )}
    </div>
  );
}

function Facts({ citations, named }: { citations: Citation[]; named: Set<string> }) {
  const sources = useMemo(() => factsBySource(citations), [citations]);
  if (sources.length === 0) return <p>{t.order.factsNone}</p>;
  return (
    <>
      <p className={styles.note}>{t.order.factsUnverified}</p>
      {sources.map(([source, facts]) => (
        <div key={source}>
          <h4>{source}</h4>
          <ul className={styles.facts}>
            {facts.map((fact) => (
              <li key={fact.id} data-lit={named.has(fact.id)}>
                <b>{fact.id}</b> {fact.quote}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  );
}

function OrderFacts({ order, cited }: { order: Order; cited: Citation[] }) {
  const lit = new Set(cited.filter(({ kind }) => kind === "order").map(({ source }) => orderField(source)));
  const { patient, provider } = order;
  const list = (texts: string[] | undefined) => (texts && texts.length > 0 ? texts.join("; ") : t.order.notGiven);
  const rows: [string, ReactNode][] = [
    ["patient", `${patient.first_name} ${patient.last_name}`],
    ["mrn", patient.mrn],
    ["date_of_birth", shownDay(patient.date_of_birth)],
    ["sex", patient.sex ?? t.order.notGiven],
    ["weight_kg", patient.weight_kg ? t.order.kg(patient.weight_kg) : t.order.notGiven],
    ["allergies", list(patient.allergies)],
    ["provider", provider.name],
    ["npi", provider.npi],
    ["primary_diagnosis", order.primary_diagnosis],
    ["additional_diagnoses", list(order.additional_diagnoses)],
    ["medication", order.medication],
    ["medication_history", list(order.medication_history)],
    ["order_date", shownDay(order.order_date)],
  ];
  return (
    <dl className={styles.order}>
      {rows.map(([field, value]) => (
        <div key={field} data-lit={lit.has(field)}>
          <dt>{labelOf(field)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
