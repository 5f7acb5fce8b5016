import { Button, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useState, type ReactNode } from "react";
import { Badge } from "@/shared/badge";
import { shownInstant } from "@/shared/dates";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { useAudit, type AuditWanted } from "./operations";
import { Card, Table } from "./table";
import styles from "./operations-page.module.css";

/** Who did or saw what, over all services. */
export function AuditTrail() {
  const [wanted, setWanted] = useState<AuditWanted>({});
  const later = useDebouncedCallback((change: AuditWanted) => setWanted((before) => ({ ...before, ...change })), 300);
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useAudit(wanted);
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data && items.length === 0) body = <Empty small title={t.operations.auditNone} />;
  else if (data) {
    body = (
      <>
        <Table head={Object.values(t.operations.auditColumns)}>
          {items.map((row) => (
            <tr key={`${row.service} ${row.id}`}>
              <td className={styles.whole}>{shownInstant(row.at)}</td>
              <th scope="row">
                {row.subject}
                <small>{row.acting_as}</small>
              </th>
              <td className={styles.whole}>
                {row.action}
                <small>{row.service}</small>
              </td>
              <td>{row.entities.slice(0, 3).join(", ")}{row.entities.length > 3 && ` +${row.entities.length - 3}`}</td>
              <td className={styles.whole}>{row.address}</td>
              <td>
                <Badge tone={row.outcome < 400 ? "ok" : row.outcome < 500 ? "warn" : "danger"}>{String(row.outcome)}</Badge>
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
  const field = (name: keyof AuditWanted) => ({
    autoComplete: "off",
    onChange: (event: { currentTarget: { value: string } }) => later({ [name]: event.currentTarget.value.trim() }),
  });
  return (
    <Card title={t.operations.audit} hint={t.operations.auditHint}>
      <form className={styles.form} role="search" aria-label={t.operations.audit} onSubmit={(event) => event.preventDefault()}>
        <TextInput label={t.operations.auditColumns.who} {...field("subject")} />
        <TextInput label={t.operations.auditColumns.action} {...field("action")} />
        <TextInput label={t.operations.auditColumns.about} {...field("entity")} />
      </form>
      {body}
    </Card>
  );
}
