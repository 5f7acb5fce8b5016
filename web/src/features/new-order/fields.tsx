import { NativeSelect, TextInput, type TextInputProps } from "@mantine/core";
import type { ReactNode } from "react";
import { get, useFormContext, useFormState, useWatch, type FieldError, type FieldPath } from "react-hook-form";
import { age, isoDate, shownDay, today } from "@/shared/dates";
import { t } from "@/texts";
import { hasRightCheckDigit } from "./npi";
import type { OrderForm } from "./order-form";

export type Name = FieldPath<OrderForm>;

/** At once: what is typed next belongs into that field. (The form library's own way waits a moment.) */
export const focusField = (name: Name) => document.querySelector<HTMLElement>(`form [name="${name}"]`)?.focus();

/** The server's fault at this field; it goes as soon as the field is edited. */
export function useFault(name: Name): string | undefined {
  const { control } = useFormContext<OrderForm>();
  const { errors } = useFormState({ control, name });
  const fault: FieldError | undefined = get(errors, name);
  return fault?.message;
}

export function useTextField(name: Name) {
  const { register, clearErrors } = useFormContext<OrderForm>();
  const fault = useFault(name);
  return { ...register(name, { onChange: () => clearErrors(name) }), error: fault };
}

type Props = { name: Name; label: string; hint?: ReactNode } & Omit<TextInputProps, "name" | "label">;

/** Uncontrolled: the browser keeps what is typed, so typing never waits for the page. */
export function TextField({ name, label, hint, ...props }: Props) {
  return <TextInput {...useTextField(name)} label={label} description={hint} autoComplete="off" {...props} />;
}

export function SexField() {
  return (
    <NativeSelect
      {...useTextField("patient.sex")}
      label={t.newOrder.sex}
      data={Object.entries(t.newOrder.sexes).map(([value, label]) => ({ value, label }))}
    />
  );
}

/** Hints follow the typing; only they are drawn again. They never forbid: the form of an MRN is the server's setting. */
export function MrnHint() {
  const mrn = useWatch<OrderForm, "patient.mrn">({ name: "patient.mrn" }).trim();
  if (!mrn) return t.newOrder.mrnHint;
  if (!/^\d{1,6}$/.test(mrn)) return <Bad>{t.newOrder.mrnOther}</Bad>;
  return mrn.length === 6 ? <Good>{t.newOrder.mrnRight}</Good> : t.newOrder.mrnCount(mrn.length);
}

export function NpiHint() {
  const npi = useWatch<OrderForm, "provider.npi">({ name: "provider.npi" }).trim();
  if (!npi) return t.newOrder.npiHint;
  if (!/^\d{1,10}$/.test(npi)) return <Bad>{t.newOrder.npiOther}</Bad>;
  if (npi.length < 10) return t.newOrder.npiCount(npi.length);
  return hasRightCheckDigit(npi) ? <Good>{t.newOrder.npiRight}</Good> : <Bad>{t.newOrder.npiWrong}</Bad>;
}

export function DateHint({ name, empty }: { name: "patient.date_of_birth" | "order_date"; empty: string }) {
  const typed = useWatch<OrderForm, typeof name>({ name });
  if (!typed.trim()) return empty;
  const iso = isoDate(typed);
  if (!iso) return t.newOrder.dateUnread;
  if (iso > today()) return <Bad>{t.newOrder.dateFuture}</Bad>;
  return name === "order_date" ? shownDay(iso) : t.newOrder.born(shownDay(iso), age(iso, today()));
}

const Good = ({ children }: { children: string }) => <span data-hint="good">✓ {children}</span>;
const Bad = ({ children }: { children: string }) => <span data-hint="bad">{children}</span>;
