import { ActionIcon, Button, TextInput } from "@mantine/core";
import { useRef, type ClipboardEvent, type KeyboardEvent, type ReactNode } from "react";
import { flushSync } from "react-dom";
import { useFieldArray, useFormContext } from "react-hook-form";
import { CrossIcon, PlusIcon } from "@/shared/icons";
import { useTextField } from "./fields";
import { Icd10Field } from "./icd10-field";
import type { OrderForm, RowsName } from "./order-form";
import { t } from "@/texts";
import styles from "./rows.module.css";

type Props = { name: RowsName; legend: string; label: (n: number) => string; add: string; placeholder?: string };

/** A list, one row a line: Enter opens the next row, Backspace in an empty one goes back, several pasted lines become rows. */
export function Rows({ name, legend, label, add }: Props) {
  const { control, getValues } = useFormContext<OrderForm>();
  const { fields, insert, remove, update } = useFieldArray({ control, name });
  const list = useRef<HTMLFieldSetElement>(null);
  const textOf = (place: number) => getValues(`${name}.${place}.text` as "additional_diagnoses.0.text");

  /** The row is there and has the focus before the next key comes, however fast somebody types. */
  function change(rows: () => void, focusOn: number) {
    flushSync(rows);
    list.current?.querySelector<HTMLInputElement>(`[name="${name}.${focusOn}.text"]`)?.focus();
  }

  const addAfter = (place: number) => change(() => insert(place + 1, { text: "" }, { shouldFocus: false }), place + 1);

  function drop(place: number) {
    if (fields.length === 1) change(() => update(0, { text: "" }), 0);
    else change(() => remove(place), Math.max(0, place - 1));
  }

  function onKeyDown(event: KeyboardEvent<HTMLInputElement>, place: number) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey) return;
    const text = textOf(place);
    if (event.key === "Enter" && text.trim()) {
      event.preventDefault();
      addAfter(place);
    }
    if (event.key === "Backspace" && text === "" && fields.length > 1) {
      event.preventDefault();
      drop(place);
    }
  }

  function onPaste(event: ClipboardEvent<HTMLInputElement>, place: number) {
    const lines = event.clipboardData.getData("text").split(/\r?\n/).map((line) => line.replace(/^\s*[-•*]\s+/, "").trim());
    const rows = lines.filter(Boolean).map((text) => ({ text }));
    if (rows.length < 2 || textOf(place).trim()) return;
    event.preventDefault();
    change(() => {
      remove(place);
      insert(place, rows, { shouldFocus: false });
    }, place + rows.length - 1);
  }

  return (
    <fieldset ref={list} className={styles.rows}>
      <legend>{legend}</legend>
      {fields.map((field, place) => {
        const tool: ReactNode =
          fields.length > 1 ? (
            <ActionIcon
              variant="subtle"
              size="sm"
              color="gray"
              tabIndex={-1}
              aria-label={t.newOrder.remove(label(place + 1))}
              onClick={() => drop(place)}
            >
              <CrossIcon />
            </ActionIcon>
          ) : undefined;
        const shared = {
          "aria-label": label(place + 1),
          rightSection: tool,
          onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => onKeyDown(event, place),
        };
        return name === "additional_diagnoses" ? (
          <Icd10Field key={field.id} name={`${name}.${place}.text`} {...shared} />
        ) : (
          <TextRow key={field.id} name={`${name}.${place}.text`} {...shared} onPaste={(event) => onPaste(event, place)} />
        );
      })}
      <Button
        className={styles.add}
        variant="subtle"
        size="compact-sm"
        leftSection={<PlusIcon />}
        onClick={() => addAfter(fields.length - 1)}
      >
        {add}
      </Button>
    </fieldset>
  );
}

type TextRowProps = {
  name: `patient.allergies.${number}.text` | `medication_history.${number}.text`;
  "aria-label": string;
  rightSection: ReactNode;
  onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void;
  onPaste: (event: ClipboardEvent<HTMLInputElement>) => void;
};

function TextRow({ name, ...props }: TextRowProps) {
  return <TextInput {...useTextField(name)} autoComplete="off" {...props} />;
}
