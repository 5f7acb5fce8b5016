import type { FoundOrder } from "@/api/generated";
import { t } from "@/texts";
import styles from "./badge.module.css";

type Status = FoundOrder["status"];
type Review = "draft" | "approved" | null | undefined;
type Tone = "danger" | "warn" | "info" | "ok" | "plain" | "accent";

const STATUS_TONE: Record<Status, Tone> = {
  pending: "plain",
  needs_confirmation: "warn",
  rejected: "danger",
  processing: "info",
  completed: "ok",
  failed: "danger",
};

export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span className={styles.badge} data-tone={tone}>
      {children}
    </span>
  );
}

/** Where an order stands; a finished one by its review. */
export function StatusBadge({ status, review }: { status: Status; review?: Review }) {
  if (status === "completed" && review) {
    return <Badge tone={review === "approved" ? "ok" : "accent"}>{t.review[review]}</Badge>;
  }
  return <Badge tone={STATUS_TONE[status]}>{t.status[status]}</Badge>;
}
