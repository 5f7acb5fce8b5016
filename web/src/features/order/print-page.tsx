import { Button, SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "react-router";
import type { Sections, ShownOrder } from "@/api/generated";
import { shownDay } from "@/shared/dates";
import { Page } from "@/shared/page";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { useOrder } from "./order";
import styles from "./print-page.module.css";

type What = "both" | "plan" | "handout";

/** The plan on paper, and on a page of its own what the patient takes home. */
export default function PrintPage() {
  const { orderId = "" } = useParams();
  const { data: shown, error, refetch } = useOrder(orderId);
  const [what, setWhat] = useState<What>("both");
  if (error) return <Failed error={error} retry={() => refetch()} />;
  if (!shown) return <Loading />;
  const back = <Link to={`/orders/${orderId}`}>{t.print.back}</Link>;
  if (!shown.careplan) return <Empty title={t.print.none}>{back}</Empty>;
  return (
    <div className={styles.place}>
      <Page title={t.order.print} heading={back}
        actions={
          <>
            <SegmentedControl
              aria-label={t.print.what}
              value={what}
              onChange={(value) => setWhat(value)}
              data={(["both", "plan", "handout"] as const).map((value) => ({ value, label: t.print[value] }))}
            />
            <Button onClick={() => window.print()}>{t.print.print}</Button>
          </>
        }
      >
        {what !== "handout" && <PlanOnPaper shown={shown} careplan={shown.careplan} />}
        {what !== "plan" && shown.careplan.handout && (
          <article className={styles.sheet} data-handout>
            <h2>{t.print.handoutTitle}</h2>
            <Who shown={shown} />
            <Handout text={shown.careplan.handout} />
          </article>
        )}
      </Page>
    </div>
  );
}

function Who({ shown: { order } }: { shown: ShownOrder }) {
  const { patient, provider } = order;
  return (
    <p className={styles.who}>
      <b>
        {patient.first_name} {patient.last_name}
      </b>
      <span>{t.order.mrn(patient.mrn)}</span>
      <span>
        {t.order.orderFields.date_of_birth} {shownDay(patient.date_of_birth)}
      </span>
      <span>{order.medication}</span>
      <span>{provider.name}</span>
      <span>{t.order.ordered(shownDay(order.order_date))}</span>
    </p>
  );
}

type PlanProps = { shown: ShownOrder; careplan: NonNullable<ShownOrder["careplan"]> };

function PlanOnPaper({ shown, careplan }: PlanProps) {
  const isDraft = careplan.review === "draft";
  return (
    <article className={styles.sheet}>
      <h2>{t.print.planTitle}</h2>
      {isDraft && <p className={styles.draft}>{t.order.draft}</p>}
      <Who shown={shown} />
      {careplan.text_edited ? <pre className={styles.text}>{careplan.text}</pre> : <PlanSections sections={careplan.sections} />}
      {!careplan.text_edited && careplan.gaps && careplan.gaps.length > 0 && (
        <>
          <h3>{t.order.gaps(careplan.gaps.length)}</h3>
          <ul>
            {careplan.gaps.map((gap) => (
              <li key={gap}>{gap}</li>
            ))}
          </ul>
        </>
      )}
      <p className={styles.sign}>
        {t.print.signature} <span>{t.order.version(careplan.version)}</span>
      </p>
    </article>
  );
}

const DETAILS = ["measure", "target", "due", "when", "by", "test", "first", "interval", "threshold", "action", "responsible"] as const;

function PlanSections({ sections }: { sections: Sections }) {
  return (Object.keys(t.order.sections) as (keyof Sections)[]).map((name) => (
    <section key={name}>
      <h3>{t.order.sections[name]}</h3>
      {sections[name].map((item) => {
        const has = item as Partial<Record<(typeof DETAILS)[number], string>> & { severity?: keyof typeof t.order.severity };
        const details = DETAILS.flatMap((field) => {
          const value = has[field];
          return value ? [`${t.order.fields[field]}: ${field === "due" ? shownDay(value) : value}`] : [];
        });
        return (
          <p key={item.id} className={styles.item}>
            <b>{item.id}.</b> {item.text}
            {has.severity && <> ({t.order.severity[has.severity]})</>}
            {details.length > 0 && <small>{details.join(" · ")}</small>}
          </p>
        );
      })}
    </section>
  ));
}

/** Lines that begin with a dash are a list. */
function Handout({ text }: { text: string }) {
  return (
    <div className={styles.handout}>
      {text.split("\n").map((line, place) =>
        line.startsWith("- ") ? (
          <p key={place} data-bullet>
            {line.slice(2)}
          </p>
        ) : (
          <p key={place}>{line}</p>
        ),
      )}
    </div>
  );
}
