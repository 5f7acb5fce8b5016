import { Button } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { shownMoment } from "@/shared/dates";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { Again } from "./again";
import { useResubmit, useSubmissions } from "./operations";
import { Card, Table } from "./table";
import styles from "./operations-page.module.css";

export function Submissions() {
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
              <td>
                <span className={styles.tools}>
                  <a href={`/api/ops/submissions/${item.id}`} download aria-label={t.operations.bodyDownload(item.id)}>
                    {t.order.download}
                  </a>
                  <Again
                    id={item.id}
                    again={resubmit}
                    text={t.operations.resubmit}
                    label={t.operations.resubmitOf(item.id)}
                    done={t.operations.resubmitted}
                  />
                </span>
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
    <Card title={t.operations.submissions} hint={t.operations.submissionsHint}>
      {body}
    </Card>
  );
}
