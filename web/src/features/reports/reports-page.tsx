import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { useSearchParams } from "react-router";
import type { Summary } from "@/api/generated";
import { daysBefore, monthOf, shownDay, today } from "@/shared/dates";
import { Page } from "@/shared/page";
import { Empty, Failed, Loading } from "@/shared/states";
import { locale, t } from "@/texts";
import { DayChart } from "./day-chart";
import { csvAddress, everyDay, isMeasure, MEASURES, ranked, useSummary, type MeasureName, type Period } from "./figures";
import styles from "./reports-page.module.css";

const number = new Intl.NumberFormat(locale);
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat(locale, { style: "currency", currency: "USD" });

export default function ReportsPage() {
  const [params, setParams] = useSearchParams();
  const period: Period = { from: params.get("from") ?? "", to: params.get("to") ?? "" };
  const { data, error, refetch } = useSummary(period);
  const show = params.get("show");
  const name = isMeasure(show) ? show : "orders";
  const set = (change: Partial<Period> & { show?: string }) => {
    const wanted = Object.entries({ ...period, show: name === "orders" ? "" : name, ...change }).filter(([, value]) => value);
    setParams(new URLSearchParams(wanted), { replace: true });
  };
  const presets: [string, Period][] = [
    [t.reports.thisMonth, monthOf(today())],
    [t.reports.lastMonth, monthOf(today(), 1)],
    [t.reports.last30, { from: daysBefore(today(), 30), to: "" }],
    [t.reports.last90, { from: daysBefore(today(), 90), to: "" }],
    [t.reports.all, { from: "", to: "" }],
  ];

  return (
    <Page
      title={t.reports.title}
      actions={
        <Button component="a" href={csvAddress(period)} download title={t.reports.csvHint}>
          {t.reports.csv}
        </Button>
      }
    >
      <div className={styles.period} role="group" aria-label={t.reports.presets}>
        <TextInput type="date" label={t.reports.from} value={period.from} onChange={(event) => set({ from: event.currentTarget.value })} />
        <TextInput type="date" label={t.reports.to} value={period.to} onChange={(event) => set({ to: event.currentTarget.value })} />
        {presets.map(([label, preset]) => (
          <Button
            key={label}
            variant={preset.from === period.from && preset.to === period.to ? "light" : "default"}
            aria-pressed={preset.from === period.from && preset.to === period.to}
            onClick={() => set(preset)}
          >
            {label}
          </Button>
        ))}
      </div>
      {data ? <Report summary={data} name={name} onMeasure={(show) => set({ show })} /> : error ? <Failed error={error} retry={() => refetch()} /> : <Loading />}
    </Page>
  );
}

type ReportProps = { summary: Summary; name: MeasureName; onMeasure: (name: string) => void };

function Report({ summary, name, onMeasure }: ReportProps) {
  const { figures } = summary;
  const days = useMemo(() => everyDay(summary.by_day), [summary.by_day]);
  if (figures.orders === 0) return <Empty title={t.reports.empty} hint={t.reports.emptyHint} />;
  const share = (count: number) => t.reports.share(percent.format(count / figures.orders));
  const seconds = (value: number | null) => (value === null ? "–" : t.reports.seconds(value));
  const cards: [string, string, string?][] = [
    [t.reports.orders, number.format(figures.orders)],
    [t.reports.approved, number.format(figures.approved), share(figures.approved)],
    [t.reports.withWarnings, number.format(figures.with_warnings), share(figures.with_warnings)],
    [t.reports.median, seconds(figures.seconds_p50)],
    [t.reports.p95, seconds(figures.seconds_p95)],
    [t.reports.calls, number.format(figures.calls)],
    [
      t.reports.tokens,
      `${number.format(figures.input_tokens)} / ${number.format(figures.output_tokens)}`,
      t.reports.cached(number.format(figures.cached_input_tokens)),
    ],
    [t.reports.cost, dollars.format(figures.cost_usd)],
  ];
  return (
    <>
      <dl className={styles.cards}>
        {cards.map(([label, value, note]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              {value}
              {note && <small>{note}</small>}
            </dd>
          </div>
        ))}
      </dl>
      <section className={styles.card}>
        <div className={styles.chartHead}>
          <h2>{t.reports.byDay}</h2>
          <SegmentedControl
            size="xs"
            aria-label={t.reports.measure}
            value={name}
            onChange={onMeasure}
            data={Object.entries(MEASURES).map(([value, { title }]) => ({ value, label: title }))}
          />
        </div>
        <DayChart days={days} measure={MEASURES[name]} />
        <details>
          <summary>{t.reports.showTable}</summary>
          <table className={styles.table}>
            <thead>
              <tr>
                {t.reports.dayColumns.map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.toReversed().map((day) => (
                <tr key={day.day}>
                  <th scope="row">{shownDay(day.day)}</th>
                  <td>{number.format(day.orders)}</td>
                  <td>{number.format(day.completed)}</td>
                  <td>{number.format(day.rejected)}</td>
                  <td>{number.format(day.with_warnings)}</td>
                  <td>{seconds(day.seconds_p50)}</td>
                  <td>{seconds(day.seconds_p95)}</td>
                  <td>{number.format(day.input_tokens)}</td>
                  <td>{number.format(day.output_tokens)}</td>
                  <td>{dollars.format(day.cost_usd)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      </section>
      <div className={styles.columns}>
        <Ranking title={t.reports.byMedication} counts={summary.by_medication} />
        <div className={styles.stack}>
          <Ranking title={t.reports.byStatus} counts={summary.by_status} names={t.status} />
          <Ranking title={t.reports.bySource} counts={summary.by_source} />
        </div>
      </div>
    </>
  );
}

type RankingProps = { title: string; counts: Record<string, number>; names?: Record<string, string> };

/** A table whose bars are only its decoration. */
function Ranking({ title, counts, names }: RankingProps) {
  const rows = ranked(counts);
  const most = rows[0]?.[1] ?? 1;
  return (
    <section className={styles.card}>
      <h2>{title}</h2>
      <table className={styles.ranking}>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">{t.reports.name}</th>
            <th scope="col">{t.reports.count}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, count]) => (
            <tr key={name}>
              <th scope="row">{names?.[name] ?? name}</th>
              <td>
                <span className={styles.bar} style={{ width: `${(count / most) * 70}%` }} /> {number.format(count)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
