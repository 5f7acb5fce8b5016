import type { ReactNode } from "react";
import { Link } from "react-router";
import { Badge } from "@/shared/badge";
import { shownMoment } from "@/shared/dates";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { Again } from "./again";
import { useDeliveries, useResend } from "./operations";
import { Card, Table } from "./table";

const DELIVERY_TONE = { waiting: "info", delivered: "ok", given_up: "danger" } as const;

export function Deliveries() {
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
              <Again
                id={item.id}
                again={resend}
                text={texts.resend}
                label={t.operations.resendOf(item.id)}
                done={t.operations.resent}
              />
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <Card title={t.operations.deliveries} hint={t.operations.deliveriesHint}>
      {body}
    </Card>
  );
}
