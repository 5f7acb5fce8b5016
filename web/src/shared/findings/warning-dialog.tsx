import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { ApiError } from "@/api/call";
import type { AcceptedOrder } from "@/api/generated";
import { Callout } from "@/shared/callout";
import { errorText } from "@/shared/error-text";
import { newId } from "@/shared/new-id";
import { t } from "@/texts";
import { useConfirmOrder } from "./confirm-order";
import { FindingView } from "./finding-view";
import { decisionOf, type Decision, type Finding } from "./findings";
import styles from "./warning-dialog.module.css";

type Props = {
  orderId: string;
  warnings: Finding[];
  onConfirmed: (order: AcceptedOrder) => void;
  onBlocked: (decision: Decision) => void;
  onBack: () => void;
};

/** Asks for a decision. New warnings found meanwhile take the place of those shown, and are asked again. */
export function WarningDialog({ orderId, warnings, onConfirmed, onBlocked, onBack }: Props) {
  // One key for each set of warnings that was shown: pressed twice, confirmed once.
  const [asked, setAsked] = useState(() => ({ warnings, key: newId() }));
  const confirm = useConfirmOrder();

  function goOn() {
    confirm.mutate(
      { orderId, key: asked.key },
      {
        onSuccess: onConfirmed,
        onError: (error) => {
          if (!(error instanceof ApiError)) return;
          if (error.body.type === "warning") setAsked({ warnings: decisionOf(error).warnings, key: newId() });
          if (error.body.type === "block") onBlocked(decisionOf(error));
        },
      },
    );
  }

  const isFailure = confirm.error instanceof ApiError && confirm.error.body.type === "error";
  const count = asked.warnings.length;
  return (
    <Modal
      opened
      onClose={onBack}
      size="lg"
      title={count > 1 ? t.warning.titleMany(count) : t.warning.title}
      closeButtonProps={{ "aria-label": t.warning.back }}
    >
      {asked.warnings.map((warning) => (
        <FindingView key={warning.code} finding={warning} consequence />
      ))}
      {isFailure && (
        <Callout tone="danger" urgent>
          {errorText(confirm.error)}
        </Callout>
      )}
      <div className={styles.actions}>
        <Button variant="default" onClick={onBack} data-autofocus>
          {t.warning.back}
        </Button>
        <Button onClick={goOn} loading={confirm.isPending}>
          {t.warning.confirm}
        </Button>
      </div>
    </Modal>
  );
}
