import { Button } from "@mantine/core";
import { useClickOutside } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { useRef, useState, type KeyboardEvent } from "react";
import type { OrderCarePlan } from "@/api/generated";
import { errorText } from "@/shared/error-text";
import { DownIcon } from "@/shared/icons";
import { t } from "@/texts";
import { FORMATS, useDownload, type Format } from "./download";
import styles from "./download-menu.module.css";

/** A button that shows four more: Tab goes through them, Escape closes. */
export function DownloadMenu({ careplan }: { careplan: OrderCarePlan }) {
  const [isOpen, setIsOpen] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const place = useClickOutside<HTMLDivElement>(() => setIsOpen(false));
  const download = useDownload();

  function choose(format: Format) {
    setIsOpen(false);
    opener.current?.focus();
    download.mutate(
      { careplanId: careplan.careplan_id, format },
      {
        onError: (error) => {
          notifications.show({ color: "red", title: t.order.downloadFailed, message: errorText(error) });
        },
      },
    );
  }

  function onKeyDown({ key }: KeyboardEvent) {
    if (key !== "Escape") return;
    setIsOpen(false);
    opener.current?.focus();
  }

  return (
    <div className={styles.place} ref={place} onKeyDown={onKeyDown}>
      <Button
        ref={opener}
        variant="default"
        rightSection={<DownIcon />}
        loading={download.isPending}
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        {t.order.download}
      </Button>
      {isOpen && (
        <ul className={styles.list}>
          {FORMATS.map((format) => (
            <li key={format}>
              <button
                type="button"
                disabled={format === "fhir" && careplan.text_edited}
                onClick={() => choose(format)}
              >
                {t.order.formats[format]}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
