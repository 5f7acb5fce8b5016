import { Link } from "react-router";
import { Badge } from "@/shared/badge";
import { shownClock } from "@/shared/dates";
import { Failed, Loading } from "@/shared/states";
import { locale, t } from "@/texts";
import { useHealth, useModels, useServices } from "./operations";
import type { ServiceFigures } from "./metrics";
import { Card, Table } from "./table";
import styles from "./operations-page.module.css";

const number = new Intl.NumberFormat(locale);
const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat(locale, { style: "currency", currency: "USD" });

/** The state of every service at a glance; what needs somebody is coloured. */
export function Services() {
  return (
    <>
      <div className={styles.top}>
        <Health />
        <Models />
      </div>
      <Card title={t.operations.services} hint={t.operations.servicesHint}>
        <Figures />
      </Card>
    </>
  );
}

function Health() {
  const { data } = useHealth();
  return (
    <Card title={t.operations.health} {...(data && { hint: t.operations.checked(shownClock(data.at)) })}>
      {data ? (
        <dl className={styles.health}>
          <dt>{t.operations.live}</dt>
          <dd>
            <YesNo is={data.live} />
          </dd>
          <dt>{t.operations.ready}</dt>
          <dd>
            <YesNo is={data.ready} />
          </dd>
        </dl>
      ) : (
        <Loading />
      )}
    </Card>
  );
}

const YesNo = ({ is }: { is: boolean }) => <Badge tone={is ? "ok" : "danger"}>{is ? t.operations.ok : t.operations.no}</Badge>;

const BUDGET_TONE = { no_limit: "plain", open: "ok", used_up: "danger" } as const;

function Models() {
  const { data, error, refetch } = useModels();
  if (error && !data) return <Failed error={error} retry={() => refetch()} />;
  return (
    <Card title={t.operations.models}>
      {data ? (
        <dl className={styles.health}>
          <dt>{t.operations.model}</dt>
          <dd>{[...new Set([data.small, data.large])].join(", ")}</dd>
          {data.providers.map(({ provider, breaker, paused_seconds }) => (
            <div key={provider}>
              <dt>{provider}</dt>
              <dd>
                <Badge tone={breaker === "closed" ? "ok" : "warn"}>{breaker}</Badge>
                {paused_seconds > 0 && ` ${t.operations.paused(Math.ceil(paused_seconds))}`}
              </dd>
            </div>
          ))}
          <dt>{t.operations.budget}</dt>
          <dd>
            {t.operations.spent(dollars.format(data.budget.spent_usd))}{" "}
            <Badge tone={BUDGET_TONE[data.budget.state]}>{t.operations.budgetState[data.budget.state]}</Badge>
          </dd>
        </dl>
      ) : (
        <Loading />
      )}
    </Card>
  );
}

function Figures() {
  const { data, isPending } = useServices();
  if (isPending) return <Loading />;
  if (!data || data.length === 0) return <p className={styles.note}>{t.operations.trafficNone}</p>;
  return (
    <Table head={Object.values(t.operations.figures)}>
      {data.map((figures) => (
        <Service key={figures.service} {...figures} />
      ))}
    </Table>
  );
}

function Service(figures: ServiceFigures) {
  const { service, isUp, lag, perSecond, outboxSeconds, jobs, deadLetters, requests, errors, seconds } = figures;
  return (
    <tr>
      <th scope="row">{service}</th>
      <td>
        <YesNo is={isUp} />
      </td>
      <td>{lag > 1_000 ? <Badge tone="warn">{number.format(lag)}</Badge> : number.format(lag)}</td>
      <td>{perSecond === null ? "–" : short.format(perSecond)}</td>
      <td>{outboxSeconds > 30 ? <Badge tone="warn">{t.reports.seconds(outboxSeconds)}</Badge> : t.reports.seconds(outboxSeconds)}</td>
      <td>{jobs === null ? "–" : number.format(jobs)}</td>
      <td>{deadLetters > 0 ? <Link to="/operations?view=dead-letters">{number.format(deadLetters)}</Link> : 0}</td>
      <td>{number.format(requests)}</td>
      <td>{errors > 0 ? <Badge tone="danger">{number.format(errors)}</Badge> : 0}</td>
      <td>{requests > 0 ? t.reports.seconds(seconds / requests) : "–"}</td>
    </tr>
  );
}
