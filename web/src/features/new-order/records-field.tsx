import { Button, Textarea } from "@mantine/core";
import { useEffect, useRef, useState, type DragEvent } from "react";
import { useFormContext } from "react-hook-form";
import { Callout } from "@/shared/callout";
import { CrossIcon, FileIcon } from "@/shared/icons";
import { t } from "@/texts";
import { useTextField } from "./fields";
import type { OrderForm } from "./order-form";
import { kindOf, LARGEST_FILE } from "./submit-order";
import styles from "./records-field.module.css";

type Props = { file: File | null; lostFile: string | null; onFile: (file: File | null) => void };

/** Records as text, or a file dropped anywhere on the box. */
export function RecordsField({ file, lostFile, onFile }: Props) {
  const text = useTextField("patient_records");
  const { clearErrors } = useFormContext<OrderForm>();
  const chooser = useRef<HTMLInputElement>(null);
  const [isOver, setIsOver] = useState(false);
  const [refused, setRefused] = useState("");

  function take(found: File | undefined) {
    if (!found) return;
    const reason = !kindOf(found) ? t.newOrder.fileWrongKind : found.size > LARGEST_FILE ? t.newOrder.fileTooLarge : "";
    setRefused(reason);
    if (reason) return;
    clearErrors("patient_records");
    onFile(found);
  }

  const drop = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setIsOver(true);
    },
    onDragLeave: () => setIsOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setIsOver(false);
      take(event.dataTransfer.files[0]);
    },
  };

  return (
    <div className={styles.box} data-over={isOver || undefined} {...drop}>
      {file ? (
        <div className={styles.file}>
          <FileIcon />
          <span>{t.newOrder.fileChosen(file.name, sizeOf(file))}</span>
          <Button variant="subtle" size="compact-sm" leftSection={<CrossIcon />} onClick={() => onFile(null)}>
            {t.newOrder.fileRemove}
          </Button>
        </div>
      ) : null}
      {file && text.error && (
        <Callout tone="danger" level={3}>
          {text.error}
        </Callout>
      )}
      <div hidden={file !== null}>
        <Textarea {...text} label={t.newOrder.records} description={<RecordsHint />} rows={9} resize="vertical" />
      </div>
      {refused && (
        <Callout tone="danger" urgent level={3}>
          {refused}
        </Callout>
      )}
      {lostFile && !file && <Callout tone="warn">{t.newOrder.fileLost(lostFile)}</Callout>}
      <div className={styles.tools}>
        <input
          ref={chooser}
          type="file"
          hidden
          accept=".pdf,.txt,application/pdf,text/plain"
          data-testid="records-file"
          onChange={(event) => {
            take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <Button variant="default" size="xs" leftSection={<FileIcon />} onClick={() => chooser.current?.click()}>
          {t.newOrder.chooseFile}
        </Button>
      </div>
      {isOver && <div className={styles.over}>{t.newOrder.dropHere}</div>}
    </div>
  );
}

/** Counts a while after the last key: with 200,000 characters even counting is work. */
function RecordsHint() {
  const { subscribe, getValues } = useFormContext<OrderForm>();
  const [count, setCount] = useState(() => getValues("patient_records").length);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const stop = subscribe({
      name: "patient_records",
      formState: { values: true },
      callback: () => {
        clearTimeout(timer);
        timer = setTimeout(() => setCount(getValues("patient_records").length), 250);
      },
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [subscribe, getValues]);
  return count === 0 ? t.newOrder.recordsHint : t.newOrder.recordsCount(count);
}

const sizeOf = (file: File) =>
  file.size < 1024 * 1024 ? `${Math.max(1, Math.round(file.size / 1024))} KB` : `${(file.size / 1024 / 1024).toFixed(1)} MB`;
