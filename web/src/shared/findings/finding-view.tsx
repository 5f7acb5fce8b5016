import { Button } from "@mantine/core";
import { Link } from "react-router";
import { shownDay } from "@/shared/dates";
import { t } from "@/texts";
import { earlierOrdersOf, npiConflictOf, PERSON_FIELDS, personsOf, type Finding, type Person } from "./findings";
import styles from "./finding-view.module.css";

type Props = { finding: Finding; onUseName?: (name: string) => void; consequence?: boolean };

/** One finding: what it is, both records side by side where it is about persons, and what going on would mean. */
export function FindingView({ finding, onUseName, consequence = false }: Props) {
  const persons = personsOf(finding);
  const conflict = npiConflictOf(finding);
  const orders = earlierOrdersOf(finding);
  return (
    <div className={styles.finding}>
      <p className={styles.title}>{t.warning.titles[finding.code] ?? finding.message}</p>
      {!persons && !conflict && t.warning.titles[finding.code] !== undefined && <p>{finding.message}</p>}
      {persons?.onFile.map((onFile) => <Comparison key={onFile.mrn} onFile={onFile} submitted={persons.submitted} />)}
      {conflict && (
        <p>
          {t.warning.npiOnFile(conflict.npi, conflict.on_file)}{" "}
          {onUseName && (
            <Button size="compact-sm" variant="default" onClick={() => onUseName(conflict.on_file)}>
              {t.warning.useName(conflict.on_file)}
            </Button>
          )}
        </p>
      )}
      {orders.length > 0 && (
        <ul>
          {orders.map((order) => (
            <li key={order.order_id}>
              <Link to={`/orders/${order.order_id}`} target="_blank">
                {t.warning.earlierOn(shownDay(order.order_date))}
              </Link>
            </li>
          ))}
        </ul>
      )}
      {consequence && t.warning.consequence[finding.code] && <p>{t.warning.consequence[finding.code]}</p>}
    </div>
  );
}

function Comparison({ onFile, submitted }: { onFile: Person; submitted: Person }) {
  return (
    <table className={styles.comparison}>
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{t.warning.field}</span>
          </th>
          <th scope="col">{t.warning.onFile}</th>
          <th scope="col">{t.warning.submitted}</th>
        </tr>
      </thead>
      <tbody>
        {PERSON_FIELDS.map((field) => {
          const differs = onFile[field] !== submitted[field];
          return (
            <tr key={field} data-differs={differs || undefined}>
              <th scope="row">{t.warning.fields[field]}</th>
              <td>{shown(field, onFile[field])}</td>
              <td>
                {shown(field, submitted[field])}{" "}
                {differs && <span className={styles.differs}>{t.warning.differs}</span>}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const shown = (field: string, value: string) => (field === "date_of_birth" ? shownDay(value) : value);
