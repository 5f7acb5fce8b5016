import { Button, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { FormProvider, useFieldArray, useForm, useFormContext, useWatch } from "react-hook-form";
import { Link, useNavigate, useParams } from "react-router";
import { ApiError, call, faultsOf } from "@/api/call";
import { getApiOrdersByOrderId, type OrderCarePlan } from "@/api/generated";
import { Callout } from "@/shared/callout";
import { today } from "@/shared/dates";
import { errorText } from "@/shared/error-text";
import { PlusIcon } from "@/shared/icons";
import { Page } from "@/shared/page";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { changesOf, fieldsOf, newItem, SECTIONS, toForm, toRevision, useRevise, type RevisionForm, type SectionName } from "./revision";
import styles from "./revise-page.module.css";

export default function RevisePage() {
  const { orderId = "" } = useParams();
  // Read once: what somebody is editing must not change under their hands.
  const { data, error, refetch } = useQuery({
    queryKey: ["revise", orderId],
    queryFn: ({ signal }) => call(getApiOrdersByOrderId({ path: { order_id: orderId }, signal })),
    staleTime: Infinity,
    gcTime: 0,
  });
  if (error) return <Failed error={error} retry={() => refetch()} />;
  if (!data) return <Loading />;
  if (!data.careplan) return <Empty title={t.print.none} />;
  return <Editor orderId={orderId} plan={data.careplan} />;
}

function Editor({ orderId, plan }: { orderId: string; plan: OrderCarePlan }) {
  const form = useForm<RevisionForm>({ defaultValues: toForm(plan) });
  const revise = useRevise(orderId);
  const navigate = useNavigate();
  const mode = useWatch({ control: form.control, name: "mode" });
  const [changes, setChanges] = useState(() => changesOf(plan, form.getValues()));
  const recount = () => setChanges(changesOf(plan, form.getValues()));

  function save() {
    revise.mutate(
      { careplanId: plan.careplan_id, version: plan.version, revision: toRevision(plan, form.getValues()) },
      {
        onSuccess: () => {
          notifications.show({ color: "teal", message: t.revise.saved(plan.version + 1) });
          void navigate(`/orders/${orderId}`);
        },
      },
    );
  }

  return (
    <FormProvider {...form}>
      <Page
        title={t.revise.title}
        actions={
          <SegmentedControl
            aria-label={t.revise.mode}
            value={mode}
            onChange={(value) => {
              form.setValue("mode", value);
              recount();
            }}
            data={[
              { value: "sections", label: t.revise.sections },
              { value: "text", label: t.revise.text },
            ]}
          />
        }
      >
        <form
          className={styles.form}
          onBlur={recount}
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          {revise.isError && <Refused error={revise.error} />}
          {mode === "sections" ? (
            SECTIONS.map((section) => <SectionEditor key={section} section={section} onChange={recount} />)
          ) : (
            <Textarea
              {...form.register("text")}
              label={t.revise.fullText}
              description={t.revise.textHint}
              rows={24}
              resize="vertical"
            />
          )}
          {mode === "sections" && changes.length > 0 && (
            <details className={styles.changes}>
              <summary>
                {t.revise.changes}: {t.revise.changed(changes.length)}
              </summary>
              <ul>
                {changes.map(({ item, field, was, becomes }) => (
                  <li key={item + field + becomes}>
                    <b>{item}</b> {was && <del>{was}</del>} {becomes && <ins>{becomes}</ins>}
                  </li>
                ))}
              </ul>
            </details>
          )}
          <div className={styles.bar}>
            <TextInput {...form.register("note")} label={t.revise.note} placeholder={t.revise.noteHint} className={styles.note} />
            <span className={styles.count} role="status">
              {t.revise.changed(changes.length)}
            </span>
            <Button variant="default" component={Link} to={`/orders/${orderId}`}>
              {t.revise.cancel}
            </Button>
            <Button type="submit" loading={revise.isPending} disabled={changes.length === 0}>
              {t.revise.save}
            </Button>
          </div>
        </form>
      </Page>
    </FormProvider>
  );
}

function Refused({ error }: { error: Error }) {
  const faults = error instanceof ApiError ? faultsOf(error) : [];
  return (
    <Callout tone="danger" title={t.revise.faults} urgent>
      {faults.length === 0 ? (
        <p>{errorText(error)}</p>
      ) : (
        <ul>
          {faults.map(({ field, message }) => (
            <li key={field + message}>
              {field}: {message}
            </li>
          ))}
        </ul>
      )}
    </Callout>
  );
}

function SectionEditor({ section, onChange }: { section: SectionName; onChange: () => void }) {
  const { control } = useFormContext<RevisionForm>();
  const { fields, append } = useFieldArray({ control, name: section, keyName: "key" });
  return (
    <section className={styles.section}>
      <h2>{t.order.sections[section]}</h2>
      {fields.map(({ key, known }, place) => (
        <ItemEditor key={key} section={section} place={place} known={known} onChange={onChange} />
      ))}
      <Button
        variant="subtle"
        size="compact-sm"
        leftSection={<PlusIcon />}
        className={styles.add}
        onClick={() => {
          append(newItem(section, today()));
          onChange();
        }}
      >
        {t.revise.add}: {t.order.sections[section]}
      </Button>
    </section>
  );
}

type ItemProps = { section: SectionName; place: number; known: string | null; onChange: () => void };

function ItemEditor({ section, place, known, onChange }: ItemProps) {
  const { register, setValue, control } = useFormContext<RevisionForm>();
  const path = `${section}.${place}` as const;
  const struck = useWatch({ control, name: `${path}.struck` });
  const name = known ?? t.revise.add;

  function strike(value: boolean) {
    setValue(`${path}.struck`, value);
    onChange();
  }

  return (
    <div className={styles.item} data-struck={struck || undefined} role="group" aria-label={name}>
      <div className={styles.head}>
        <b>{name}</b>
        {struck && <span>{t.revise.struck}</span>}
        <Button variant="subtle" size="compact-sm" onClick={() => strike(!struck)}>
          {struck ? t.revise.restore : t.revise.strike}
        </Button>
      </div>
      {struck ? (
        <TextInput {...register(`${path}.reason`)} label={t.revise.reason} placeholder={t.revise.reasonHint} autoFocus />
      ) : (
        <div className={styles.fields}>
          {fieldsOf(section).map(([field, kind]) => {
            const props = { ...register(`${path}.values.${field}`), label: t.order.fields[field], required: true, withAsterisk: false };
            if (kind === "area") return <Textarea key={field} {...props} rows={3} resize="vertical" className={styles.wide} />;
            if (kind === "category") return <NativeSelect key={field} {...props} data={options(t.order.category)} />;
            if (kind === "severity") return <NativeSelect key={field} {...props} data={options(t.order.severity)} />;
            return <TextInput key={field} {...props} type={kind === "date" ? "date" : "text"} />;
          })}
        </div>
      )}
    </div>
  );
}

const options = (labels: Record<string, string>) => Object.entries(labels).map(([value, label]) => ({ value, label }));
