import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearchParams } from "react-router";
import { call } from "@/api/call";
import { getApiCareplansByCareplanId, getApiOrdersByOrderId, type ShownCarePlan } from "@/api/generated";
import { Badge } from "@/shared/badge";
import { shownMoment } from "@/shared/dates";
import { Page } from "@/shared/page";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { changedItems, linesChanged, type ChangedItem, type Piece } from "./diff";
import styles from "./compare-page.module.css";

const getVersion = (careplan_id: string, version: number, signal: AbortSignal) =>
  call(getApiCareplansByCareplanId({ path: { careplan_id }, query: { version }, signal }));

function useVersion(careplanId: string | undefined, version: number) {
  return useQuery({
    queryKey: ["careplan version", careplanId, version],
    queryFn: ({ signal }) => getVersion(careplanId ?? "", version, signal),
    enabled: careplanId !== undefined && version > 0,
    // Written once; only its signature may still come.
    staleTime: 60_000,
  });
}

/** Two versions of a plan: what a pharmacist changed, word by word. The address names both. */
export default function ComparePage() {
  const { orderId = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const order = useQuery({
    queryKey: ["order", orderId],
    queryFn: ({ signal }) => call(getApiOrdersByOrderId({ path: { order_id: orderId }, signal })),
  });
  const plan = order.data?.careplan;
  const current = plan?.version ?? 0;
  const to = numberIn(params.get("to"), current);
  const from = numberIn(params.get("from"), to - 1);
  const before = useVersion(plan?.careplan_id, from);
  const after = useVersion(plan?.careplan_id, to);
  const back = <Link to={`/orders/${orderId}`}>{t.revise.crumb}</Link>;
  const error = order.error ?? before.error ?? after.error;
  const set = (change: { from?: string; to?: string }) =>
    setParams({ from: String(from), to: String(to), ...change }, { replace: true });

  if (error) return <Failed error={error} retry={() => Promise.all([order.refetch(), before.refetch(), after.refetch()])} />;
  if (order.data && current < 2) return <Empty title={t.compare.none}>{back}</Empty>;
  if (!before.data || !after.data) return <Loading />;
  const versions = Array.from({ length: current }, (_, place) => String(place + 1));
  const options = versions.map((value) => ({ value, label: t.order.version(Number(value)) }));
  return (
    <Page title={t.compare.title} actions={back}>
      <div className={styles.choice}>
        <NativeSelect label={t.compare.from} value={String(from)} data={options} onChange={(event) => set({ from: event.currentTarget.value })} />
        <NativeSelect label={t.compare.to} value={String(to)} data={options} onChange={(event) => set({ to: event.currentTarget.value })} />
        <About plan={after.data} />
      </div>
      <Differences before={before.data} after={after.data} />
    </Page>
  );
}

function numberIn(text: string | null, otherwise: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number > 0 ? number : otherwise;
}

function About({ plan }: { plan: ShownCarePlan }) {
  const about = plan.versions.find(({ version }) => version === plan.version);
  if (!about) return null;
  return (
    <p className={styles.about}>
      {t.order.versionBy(about.created_by)}, {shownMoment(about.created_at)}
      {about.note && <>: {about.note}</>}
    </p>
  );
}

function Differences({ before, after }: { before: ShownCarePlan; after: ShownCarePlan }) {
  const items = changedItems(before.sections, after.sections);
  const isText = (before.text_edited ?? false) || (after.text_edited ?? false);
  if (items.length === 0 && !isText) return <Empty title={t.compare.same} />;
  return (
    <>
      {isText && (
        <section className={styles.card}>
          <h2>{t.compare.text}</h2>
          <pre className={styles.text}>
            <Pieces pieces={linesChanged(before.text, after.text)} />
          </pre>
        </section>
      )}
      {Object.entries(t.order.sections).map(([name, title]) => {
        const here = items.filter(({ section }) => section === name);
        return here.length === 0 ? null : (
          <section key={name} className={styles.card}>
            <h2>{title}</h2>
            <ul>
              {here.map((item) => (
                <Item key={item.id} item={item} />
              ))}
            </ul>
          </section>
        );
      })}
      <p className={styles.about}>{t.compare.rest}</p>
    </>
  );
}

const TONE = { added: "ok", removed: "danger", changed: "info" } as const;

function Item({ item: { id, kind, fields } }: { item: ChangedItem }) {
  const labels: Record<string, string> = t.order.fields;
  return (
    <li className={styles.item}>
      <p>
        <b>{id}</b> <Badge tone={TONE[kind]}>{t.compare.kinds[kind]}</Badge>
      </p>
      <dl>
        {fields.map(({ field, pieces }) => (
          <div key={field}>
            <dt>{labels[field] ?? field}</dt>
            <dd>
              <Pieces pieces={pieces} />
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

function Pieces({ pieces }: { pieces: Piece[] }) {
  return pieces.map(({ kind, text }, place) => {
    if (kind === "removed") return <del key={place}>{text}</del>;
    return kind === "added" ? <ins key={place}>{text}</ins> : <span key={place}>{text}</span>;
  });
}
