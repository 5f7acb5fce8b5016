import type { ReactNode, Ref } from "react";
import styles from "./callout.module.css";

export type Tone = "danger" | "warn" | "info" | "ok";

type Props = {
  tone: Tone;
  title?: ReactNode;
  children?: ReactNode;
  /** Read out as soon as it appears. */
  urgent?: boolean;
  ref?: Ref<HTMLDivElement>;
  level?: 2 | 3;
};

export function Callout({ tone, title, children, urgent = false, ref, level = 2 }: Props) {
  const Heading = `h${level}` as const;
  return (
    <div ref={ref} className={styles.callout} data-tone={tone} role={urgent ? "alert" : undefined} tabIndex={-1}>
      {title !== undefined && <Heading className={styles.title}>{title}</Heading>}
      {children}
    </div>
  );
}
