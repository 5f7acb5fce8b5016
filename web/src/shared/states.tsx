import { Button, Loader } from "@mantine/core";
import { useEffect, useState, type ReactNode } from "react";
import { ApiError } from "@/api/call";
import { t } from "@/texts";
import { errorText } from "./error-text";
import styles from "./states.module.css";

/** Nothing for a moment (most answers are quicker), then a spinner, then a word that it is slow. */
export function Loading() {
  const [stage, setStage] = useState(0);
  useEffect(() => {
    const timers = [setTimeout(() => setStage(1), 150), setTimeout(() => setStage(2), 5_000)];
    return () => timers.forEach(clearTimeout);
  }, []);
  return (
    <div className={styles.state} role="status">
      {stage > 0 && <Loader size="sm" />}
      {stage > 0 && <p>{stage === 1 ? t.states.loading : t.states.slow}</p>}
    </div>
  );
}

type EmptyProps = { title: string; hint?: string; small?: boolean; children?: ReactNode };

/** `small`: within a card that has a heading of its own. */
export function Empty({ title, hint, small = false, children }: EmptyProps) {
  return (
    <div className={styles.state} data-small={small || undefined}>
      {small ? <p>{title}</p> : <h2>{title}</h2>}
      {hint && <p>{hint}</p>}
      {children}
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const trace = error instanceof ApiError ? error.body.trace_id : "";
  return (
    <div className={styles.state} role="alert">
      <h2>{t.states.failed}</h2>
      <p>{errorText(error)}</p>
      {trace && <p className={styles.small}>{t.states.reference(trace)}</p>}
      {retry && (
        <Button variant="default" onClick={retry}>
          {t.states.retry}
        </Button>
      )}
    </div>
  );
}
