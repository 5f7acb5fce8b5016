import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import { errorText } from "@/shared/error-text";
import styles from "./operations-page.module.css";

export const fail = (error: Error) => notifications.show({ color: "red", message: errorText(error) });

type CardProps = { title: string; hint?: string; children: ReactNode };

export function Card({ title, hint, children }: CardProps) {
  return (
    <section className={styles.card}>
      <h2>{title}</h2>
      {hint && <p className={styles.note}>{hint}</p>}
      {children}
    </section>
  );
}

export function Table({ head, children }: { head: string[]; children: ReactNode }) {
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
