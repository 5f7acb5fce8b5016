import { useEffect, type ReactNode } from "react";
import { t } from "@/texts";
import styles from "./page.module.css";

type Props = { title: string; heading?: ReactNode; actions?: ReactNode; wide?: boolean; children: ReactNode };

/** A page: its one h1, what can be done, and the title of the tab. */
export function Page({ title, heading, actions, wide = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · ${t.app.name}`;
  }, [title]);
  return (
    <div className={styles.page} data-wide={wide || undefined}>
      <div className={styles.head}>
        <h1 className={styles.title}>{heading ?? title}</h1>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </div>
  );
}
