import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { Badge } from "@/shared/badge";
import { shownClock, shownMoment } from "@/shared/dates";
import { errorText } from "@/shared/error-text";
import { Page } from "@/shared/page";
import { Empty, Failed, Loading } from "@/shared/states";
import { locale, t } from "@/texts";
import { useDeadLetters, useDeliveries, useHealth, useReplay, useResend, useResubmit, useSubmissions, useTraffic } from "./operations";
import styles from "./operations-page.module.css";

const number = new Intl.NumberFormat(locale);
const fail = (error: Error) => notifications.show({ color: "red", message: errorText(error) });

export default function OperationsPage() {
  return (
    <Page title={t.operations.title} wide>
      <div className={styles.top}>
        <Health />
        <TrafficTable />
      </div>
      <DeadLetters />
      <Submissions />
      <Deliveries />
    </Page>
  );
}

function Health() {
  const { data } = useHealth();
  return (
    <section className={styles.card}>
      <h2>{t.operations.health}</h2>
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
      {data && <p className={styles.note}>{t.operations.checked(shownClock(data.at))}</p>}
    </section>
  );
}

const YesNo = ({ is }: { is: boolean }) => <Badge tone={is ? "ok" : "danger"}>{is ? t.operations.ok : t.operations.no}</Badge>;

function TrafficTable() {
  const { data, isPending } = useTraffic();
  return (
    <section className={styles.card}>
      <h2>{t.operations.traffic}</h2>
      {isPending ? (
        <Loading />
      ) : data && data.length > 0 ? (
        <Table head={[t.operations.service, t.operations.requests, t.operations.errors, t.operations.average]}>
          {data.map(({ service, requests, errors, seconds }) => (
            <tr key={service}>
              <th scope="row">{service}</th>
              <td>{number.format(requests)}</td>
              <td>{errors > 0 ? <Badge tone="danger">{number.format(errors)}</Badge> : 0}</td>
              <td>{t.reports.seconds(seconds / Math.max(1, requests))}</td>
            </tr>
          ))}
        </Table>
      ) : (
        <p className={styles.note}>{t.operations.trafficNone}</p>
      )}
    </section>
  );
}

function DeadLetters() {
  const { data, error, refetch } = useDeadLetters();
  const replay = useReplay();
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data?.items.length === 0) body = <Empty small title={t.operations.deadLettersNone} hint={t.operations.deadLettersNoneHint} />;
  else if (data) {
    body = (
      <Table head={Object.values(t.operations.columns)}>
        {data.items.map((letter) => (
          <tr key={letter.id}>
            <td>{shownMoment(letter.failed_at)}</td>
            <td>{letter.service}</td>
            <td>
              {letter.type ?? letter.topic}
              <small>
                {letter.topic} {letter.partition}/{letter.offset}
              </small>
              {letter.subject && <small>{<Link to={`/orders/${letter.subject}`}>{t.operations.order}</Link>}</small>}
            </td>
            <td>
              {letter.reason}
              {letter.places.length > 0 && <small>{letter.places.join(" < ")}</small>}
            </td>
            <td>{letter.attempts}</td>
            <td>
              {letter.replayed_at ? (
                t.operations.replayed(shownMoment(letter.replayed_at))
              ) : (
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={t.operations.replayOf(letter.type ?? letter.topic, letter.service)}
                  loading={replay.isPending && replay.variables === letter.id}
                  onClick={() =>
                    replay.mutate(letter.id, {
                      onSuccess: () => notifications.show({ color: "teal", message: t.operations.replayedToast }),
                      onError: fail,
                    })
                  }
                >
                  {t.operations.replay}
                </Button>
              )}
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <section className={styles.card}>
      <h2>{t.operations.deadLetters}</h2>
      <p className={styles.note}>{t.operations.deadLettersHint}</p>
      {body}
    </section>
  );
}

function Submissions() {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useSubmissions();
  const resubmit = useResubmit();
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data && items.length === 0) body = <Empty small title={t.operations.submissionsNone} />;
  else if (data) {
    const { received, source, outcome, size, order } = t.operations;
    body = (
      <>
        <Table head={[received, source, outcome, size, order, t.operations.body]}>
          {items.map((item) => (
            <tr key={item.id}>
              <td>{shownMoment(item.received_at)}</td>
              <td>{item.source}</td>
              <td>{item.outcome}</td>
              <td>
                {t.operations.bytes(item.size)}
                <small>{item.content_type}</small>
              </td>
              <td>{item.order_id ? <Link to={`/orders/${item.order_id}`}>{t.operations.order}</Link> : "–"}</td>
              <td className={styles.tools}>
                <a href={`/api/ops/submissions/${item.id}`} download aria-label={t.operations.bodyDownload(item.id)}>
                  {t.order.download}
                </a>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={t.operations.resubmitOf(item.id)}
                  loading={resubmit.isPending && resubmit.variables === item.id}
                  onClick={() =>
                    resubmit.mutate(item.id, {
                      onSuccess: () => notifications.show({ color: "teal", message: t.operations.resubmitted }),
                      onError: fail,
                    })
                  }
                >
                  {t.operations.resubmit}
                </Button>
              </td>
            </tr>
          ))}
        </Table>
        {hasNextPage && (
          <Button variant="subtle" loading={isFetchingNextPage} onClick={() => fetchNextPage()}>
            {t.operations.more}
          </Button>
        )}
      </>
    );
  }
  return (
    <section className={styles.card}>
      <h2>{t.operations.submissions}</h2>
      <p className={styles.note}>{t.operations.submissionsHint}</p>
      {body}
    </section>
  );
}

const DELIVERY_TONE = { waiting: "info", delivered: "ok", given_up: "danger" } as const;

function Deliveries() {
  const { data, error, refetch } = useDeliveries();
  const resend = useResend();
  const texts = t.operations.deliveryColumns;
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data?.items.length === 0) body = <Empty small title={t.operations.deliveriesNone} />;
  else if (data) {
    body = (
      <Table head={[texts.kind, texts.about, texts.state, texts.tries, texts.last, texts.resend]}>
        {data.items.map((item) => (
          <tr key={item.id}>
            <td>{item.kind}</td>
            <td>
              <Link to={`/orders/${item.order_id}`}>{t.operations.order}</Link> {t.status[item.status]}
            </td>
            <td>
              <Badge tone={DELIVERY_TONE[item.state]}>{t.operations.deliveryState[item.state]}</Badge>
            </td>
            <td>{item.tries}</td>
            <td>
              {item.last_code ?? "–"} {item.last_http_status}
              {item.last_tried_at && <small>{shownMoment(item.last_tried_at)}</small>}
            </td>
            <td>
              <Button
                size="compact-sm"
                variant="default"
                aria-label={t.operations.resendOf(item.id)}
                loading={resend.isPending && resend.variables === item.id}
                onClick={() =>
                  resend.mutate(item.id, {
                    onSuccess: () => notifications.show({ color: "teal", message: t.operations.resent }),
                    onError: fail,
                  })
                }
              >
                {texts.resend}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <section className={styles.card}>
      <h2>{t.operations.deliveries}</h2>
      <p className={styles.note}>{t.operations.deliveriesHint}</p>
      {body}
    </section>
  );
}

function Table({ head, children }: { head: string[]; children: ReactNode }) {
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          {head.map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
