import { Button, SegmentedControl } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { FormProvider, useForm, type UseFormReturn } from "react-hook-form";
import { Link } from "react-router";
import type { Fault } from "@/api/call";
import type { AcceptedOrder } from "@/api/generated";
import { Callout } from "@/shared/callout";
import { errorText } from "@/shared/error-text";
import { FindingView } from "@/shared/findings/finding-view";
import type { Decision } from "@/shared/findings/findings";
import { WarningDialog } from "@/shared/findings/warning-dialog";
import { Page } from "@/shared/page";
import { t } from "@/texts";
import { fingerprintOf, keepDraft, keyFor, noDraft, readDraft, type Draft } from "./draft";
import { DateHint, focusField, MrnHint, NpiHint, SexField, TextField, type Name } from "./fields";
import { Icd10Field } from "./icd10-field";
import { emptyForm, fieldOf, isBlank, sameAgain, toBody, type OrderForm } from "./order-form";
import { RecordsField } from "./records-field";
import { Rows } from "./rows";
import { useSubmitOrder, type Outcome } from "./submit-order";
import styles from "./new-order-page.module.css";

type Taken = { orderId: string; who: string; form: OrderForm; file: File | null };
type Answer = Exclude<Outcome, { kind: "accepted" }>;

export default function NewOrderPage() {
  const [restored] = useState(() => readDraft(sessionStorage));
  const form = useForm<OrderForm>({ defaultValues: restored.form, shouldFocusError: false });
  const [file, setFile] = useState<File | null>(null);
  const [next, setNext] = useState<Draft["next"]>(restored.next);
  const [taken, setTaken] = useState<Taken | null>(null);
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [wasRestored, setWasRestored] = useState(!isBlank(restored.form));
  const submission = useSubmitOrder();
  const queries = useQueryClient();
  const sent = useRef(restored.sent);
  const isBusy = useRef(false);
  const notice = useRef<HTMLDivElement>(null);
  const keep = useDraft(form, { fileName: file?.name ?? (wasRestored ? restored.fileName : null), next }, sent);

  useEffect(() => {
    focusField("patient.first_name");
  }, []);
  // What stands above the form is read first, and the way from it to the fields is short.
  useEffect(() => {
    if (answer && answer.kind !== "warned") notice.current?.focus();
  }, [answer]);

  function submit() {
    // The mutation says that it is pending a moment later; a double click is quicker.
    if (isBusy.current) return;
    isBusy.current = true;
    const typed = form.getValues();
    const body = toBody(typed, file !== null);
    sent.current = keyFor(fingerprintOf(body, file), sent.current);
    keep();
    form.clearErrors();
    setAnswer(null);
    submission.mutate(
      { body, file, key: sent.current.key },
      {
        onSuccess: (outcome) => {
          if (outcome.kind === "accepted") {
            accept(outcome.order);
            return;
          }
          setAnswer(outcome);
          if (outcome.kind === "faults") showFaults(form, outcome.faults);
          if (outcome.kind === "blocked") markBlocked(form, outcome.decision);
        },
        onSettled: () => {
          isBusy.current = false;
        },
      },
    );
  }

  function accept(order: AcceptedOrder) {
    const done = form.getValues();
    const who = `${done.patient.first_name.trim()} ${done.patient.last_name.trim()}`;
    const isDecided = order.status !== "pending";
    notifications.show({
      color: "teal",
      title: isDecided ? t.newOrder.acceptedTitle : t.newOrder.pendingTitle,
      message: isDecided ? t.newOrder.accepted(who, done.medication.trim()) : t.newOrder.pending(who),
      closeButtonProps: { "aria-label": t.order.cancel },
    });
    void queries.invalidateQueries({ queryKey: ["orders"] });
    setTaken({ orderId: order.order_id, who, form: done, file });
    startAgain(next === "same" ? sameAgain(done) : emptyForm(), next === "same" ? file : null);
  }

  function startAgain(values: OrderForm, withFile: File | null) {
    sent.current = null;
    setAnswer(null);
    setWasRestored(false);
    setFile(withFile);
    form.reset(structuredClone(values));
    keep();
    setTimeout(() => focusField(values.patient.last_name ? "medication" : "patient.first_name"));
  }

  function onKeyDown(event: KeyboardEvent<HTMLFormElement>) {
    if (event.key !== "Enter" || event.defaultPrevented || event.nativeEvent.isComposing) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      submit();
    } else if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) {
      event.preventDefault();
      focusNext(event.currentTarget, event.target);
    }
  }

  return (
    <FormProvider {...form}>
      <Page title={t.newOrder.title} wide>
        <form
          className={styles.form}
          noValidate
          aria-label={t.newOrder.title}
          onKeyDown={onKeyDown}
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <div className={styles.notices}>
            {taken && !answer && (
              <Callout tone="ok" title={t.newOrder.acceptedTitle}>
                <div className={styles.taken}>
                  <span>{t.newOrder.accepted(taken.who, taken.form.medication)}</span>
                  <Link to={`/orders/${taken.orderId}`}>{t.newOrder.open}</Link>
                  <Button
                    size="compact-sm"
                    variant="default"
                    onClick={() => startAgain(sameAgain(taken.form), taken.file)}
                  >
                    {t.newOrder.anotherSame(taken.who)}
                  </Button>
                </div>
              </Callout>
            )}
            {wasRestored && !taken && !answer && <Callout tone="info">{t.newOrder.restored}</Callout>}
            {answer && <AnswerNotice answer={answer} ref={notice} form={form} />}
          </div>

          <div className={styles.columns}>
            <div className={styles.column}>
              <section className={styles.card} aria-labelledby="patient">
                <h2 id="patient">{t.newOrder.patient}</h2>
                <div className={styles.grid}>
                  <TextField name="patient.first_name" label={t.newOrder.firstName} className={styles.half} />
                  <TextField name="patient.last_name" label={t.newOrder.lastName} className={styles.half} />
                  <TextField
                    name="patient.mrn"
                    label={t.newOrder.mrn}
                    hint={<MrnHint />}
                    inputMode="numeric"
                    className={styles.half}
                  />
                  <TextField
                    name="patient.date_of_birth"
                    label={t.newOrder.dateOfBirth}
                    hint={<DateHint name="patient.date_of_birth" empty={t.newOrder.dateHint} />}
                    className={styles.half}
                  />
                  <div className={styles.half}>
                    <SexField />
                  </div>
                  <TextField
                    name="patient.weight_kg"
                    label={t.newOrder.weight}
                    inputMode="decimal"
                    rightSection={<span className={styles.unit}>{t.newOrder.weightUnit}</span>}
                    className={styles.half}
                  />
                </div>
                <Rows
                  name="patient.allergies"
                  legend={t.newOrder.allergies}
                  label={t.newOrder.allergy}
                  add={t.newOrder.addAllergy}
                />
              </section>
              <section className={styles.card} aria-labelledby="provider">
                <h2 id="provider">{t.newOrder.provider}</h2>
                <div className={styles.grid}>
                  <TextField name="provider.name" label={t.newOrder.providerName} className={styles.half} />
                  <TextField
                    name="provider.npi"
                    label={t.newOrder.npi}
                    hint={<NpiHint />}
                    inputMode="numeric"
                    className={styles.half}
                  />
                </div>
              </section>
            </div>
            <div className={styles.column}>
              <section className={styles.card} aria-labelledby="diagnoses">
                <h2 id="diagnoses">{t.newOrder.diagnoses}</h2>
                <Icd10Field name="primary_diagnosis" label={t.newOrder.primaryDiagnosis} />
                <Rows
                  name="additional_diagnoses"
                  legend={t.newOrder.additionalDiagnoses}
                  label={t.newOrder.additionalDiagnosis}
                  add={t.newOrder.addDiagnosis}
                />
              </section>
              <section className={styles.card} aria-labelledby="medication">
                <h2 id="medication">{t.newOrder.medicationSection}</h2>
                <div className={styles.grid}>
                  <TextField
                    name="medication"
                    label={t.newOrder.medication}
                    hint={t.newOrder.medicationHint}
                    className={styles.most}
                  />
                  <TextField
                    name="order_date"
                    label={t.newOrder.orderDate}
                    hint={<DateHint name="order_date" empty={t.newOrder.orderDateHint} />}
                    className={styles.rest}
                  />
                </div>
                <Rows
                  name="medication_history"
                  legend={t.newOrder.medicationHistory}
                  label={t.newOrder.historyLine}
                  add={t.newOrder.addHistory}
                />
              </section>
              <section className={styles.card} aria-labelledby="records">
                <h2 id="records">{t.newOrder.recordsSection}</h2>
                <RecordsField file={file} lostFile={wasRestored ? restored.fileName : null} onFile={setFile} />
              </section>
            </div>
          </div>

          <div className={styles.bar}>
            <span className={styles.keys}>{t.newOrder.keys}</span>
            <ClearButton onClear={() => startAgain(emptyForm(), null)} />
            <div className={styles.next} role="group" aria-label={t.newOrder.next}>
              <span>{t.newOrder.next}</span>
              <SegmentedControl
                size="xs"
                aria-label={t.newOrder.next}
                value={next}
                onChange={(value) => setNext(value)}
                data={[
                  { value: "new", label: t.newOrder.nextNew },
                  { value: "same", label: t.newOrder.nextSame },
                ]}
              />
            </div>
            <Button type="submit" size="md" aria-disabled={submission.isPending} data-busy={submission.isPending || undefined}>
              {submission.isPending ? t.newOrder.submitting : t.newOrder.submit}
            </Button>
          </div>
        </form>
      </Page>
      {answer?.kind === "warned" && (
        <WarningDialog
          orderId={answer.orderId}
          warnings={answer.decision.warnings}
          onConfirmed={accept}
          onBlocked={(decision) => {
            setAnswer({ kind: "blocked", decision });
            markBlocked(form, decision);
          }}
          onBack={() => setAnswer(null)}
        />
      )}
    </FormProvider>
  );
}

/** Keeps the draft: half a second after the last key, and when the page goes away. */
function useDraft(
  form: UseFormReturn<OrderForm>,
  about: Pick<Draft, "fileName" | "next">,
  sent: { current: Draft["sent"] },
): () => void {
  const save = () => {
    const draft = { ...noDraft(), ...about, form: form.getValues(), sent: sent.current };
    keepDraft(sessionStorage, draft);
  };
  const newest = useRef(save);
  useEffect(() => {
    newest.current = save;
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const now = () => newest.current();
    const stop = form.subscribe({
      formState: { values: true },
      callback: () => {
        clearTimeout(timer);
        timer = setTimeout(now, 500);
      },
    });
    addEventListener("pagehide", now);
    return () => {
      clearTimeout(timer);
      stop();
      removeEventListener("pagehide", now);
    };
  }, [form]);
  useEffect(() => {
    newest.current();
  }, [about.fileName, about.next]);
  return () => newest.current();
}

function showFaults(form: UseFormReturn<OrderForm>, faults: Fault[]) {
  for (const fault of faults) {
    const field = fieldOf(fault.field, form.getValues());
    if (field) form.setError(field as Name, { type: fault.code, message: textOf(fault) });
  }
}

const textOf = (fault: Fault) => t.faults[fault.code] ?? fault.message;

const AT: Record<string, Name[]> = {
  PROVIDER_NPI_CONFLICT: ["provider.npi", "provider.name"],
  NPI_CHECK_DIGIT: ["provider.npi"],
  DUPLICATE_ORDER_SAME_DAY: ["medication"],
};

function markBlocked(form: UseFormReturn<OrderForm>, { blocks }: Decision) {
  for (const block of blocks) {
    for (const name of AT[block.code] ?? []) {
      form.setError(name, { type: block.code, message: t.warning.titles[block.code] ?? block.message });
    }
  }
}

type NoticeProps = { answer: Answer; form: UseFormReturn<OrderForm>; ref: React.Ref<HTMLDivElement> };

function AnswerNotice({ answer, form, ref }: NoticeProps) {
  if (answer.kind === "warned") return null;
  if (answer.kind === "failed") {
    return (
      <Callout ref={ref} tone="danger" title={t.newOrder.failedTitle} urgent>
        <p>
          {errorText(answer.error)} {t.newOrder.failedHint}
        </p>
      </Callout>
    );
  }
  if (answer.kind === "blocked") {
    return (
      <Callout ref={ref} tone="danger" title={t.newOrder.blockedTitle} urgent>
        {[...answer.decision.blocks, ...answer.decision.warnings].map((finding) => (
          <FindingView
            key={finding.code}
            finding={finding}
            onUseName={(name) => {
              form.setValue("provider.name", name);
              form.clearErrors(["provider.name", "provider.npi"]);
              focusField("provider.name");
            }}
          />
        ))}
        <p>{t.newOrder.blockedHint}</p>
      </Callout>
    );
  }
  return (
    <Callout ref={ref} tone="danger" title={t.newOrder.faultsTitle(answer.faults.length)} urgent>
      <ul className={styles.faults}>
        {answer.faults.map((fault) => {
          const field = fieldOf(fault.field, form.getValues());
          const text = `${labelOf(fault.field)}: ${textOf(fault)}`;
          return (
            <li key={fault.field + fault.code}>
              {field ? (
                <button type="button" className={styles.jump} onClick={() => focusField(field as Name)}>
                  {text}
                </button>
              ) : (
                text
              )}
            </li>
          );
        })}
      </ul>
    </Callout>
  );
}

const LABELS: Record<string, string> = {
  "patient.first_name": t.newOrder.firstName,
  "patient.last_name": t.newOrder.lastName,
  "patient.mrn": t.newOrder.mrn,
  "patient.date_of_birth": t.newOrder.dateOfBirth,
  "patient.sex": t.newOrder.sex,
  "patient.weight_kg": t.newOrder.weight,
  "provider.name": t.newOrder.providerName,
  "provider.npi": t.newOrder.npi,
  primary_diagnosis: t.newOrder.primaryDiagnosis,
  medication: t.newOrder.medication,
  order_date: t.newOrder.orderDate,
  patient_records: t.newOrder.recordsSection,
};

function labelOf(field: string): string {
  const [rows, place] = field.split(/\.(?=\d)/);
  const n = Number(place) + 1;
  if (rows === "patient.allergies") return t.newOrder.allergy(n);
  if (rows === "additional_diagnoses") return t.newOrder.additionalDiagnosis(n);
  if (rows === "medication_history") return t.newOrder.historyLine(n);
  return LABELS[field] ?? field;
}

/** Asks once more in its own place: no dialog for so small a matter. */
function ClearButton({ onClear }: { onClear: () => void }) {
  const [isAsking, setIsAsking] = useState(false);
  if (!isAsking) {
    return (
      <Button variant="subtle" onClick={() => setIsAsking(true)}>
        {t.newOrder.clear}
      </Button>
    );
  }
  return (
    <span className={styles.ask} role="group" aria-label={t.newOrder.clearAsk}>
      {t.newOrder.clearAsk}
      <Button
        size="compact-sm"
        color="red"
        data-danger
        autoFocus
        onClick={() => {
          setIsAsking(false);
          onClear();
        }}
      >
        {t.newOrder.clearYes}
      </Button>
      <Button size="compact-sm" variant="default" onClick={() => setIsAsking(false)}>
        {t.newOrder.clearNo}
      </Button>
    </span>
  );
}

function focusNext(form: HTMLFormElement, from: HTMLElement) {
  const fields = Array.from(form.querySelectorAll<HTMLElement>("input:not([type=file]):not([type=radio]), select, textarea, button[type=submit]"));
  const reachable = fields.filter((field) => field.tabIndex >= 0 && field.offsetParent !== null);
  reachable[reachable.indexOf(from) + 1]?.focus();
}
