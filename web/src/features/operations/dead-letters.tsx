import type { ReactNode } from "react";
import { Link } from "react-router";
import { shownMoment } from "@/shared/dates";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { Again } from "./again";
import { useDeadLetters, useReplay } from "./operations";
import { Card, Table } from "./table";

export function DeadLetters() {
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
                <Again
                  id={letter.id}
                  again={replay}
                  text={t.operations.replay}
                  label={t.operations.replayOf(letter.type ?? letter.topic, letter.service)}
                  done={t.operations.replayedToast}
                />
              )}
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <Card title={t.operations.deadLetters} hint={t.operations.deadLettersHint}>
      {body}
    </Card>
  );
}
