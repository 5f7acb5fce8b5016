import type { PostApiOrdersData } from "@/api/generated";
import { isoDate } from "@/shared/dates";

export type Row = { text: string };

/** The form as typed. Its paths are the API's, so that a fault's `field` is a field of the form. */
export type OrderForm = {
  patient: {
    first_name: string;
    last_name: string;
    mrn: string;
    date_of_birth: string;
    sex: string;
    weight_kg: string;
    allergies: Row[];
  };
  provider: { name: string; npi: string };
  primary_diagnosis: string;
  additional_diagnoses: Row[];
  medication: string;
  medication_history: Row[];
  patient_records: string;
  order_date: string;
};

export type RowsName = "patient.allergies" | "additional_diagnoses" | "medication_history";
export type OrderBody = PostApiOrdersData["body"];

export const emptyForm = (): OrderForm => ({
  patient: { first_name: "", last_name: "", mrn: "", date_of_birth: "", sex: "", weight_kg: "", allergies: [{ text: "" }] },
  provider: { name: "", npi: "" },
  primary_diagnosis: "",
  additional_diagnoses: [{ text: "" }],
  medication: "",
  medication_history: [{ text: "" }],
  patient_records: "",
  order_date: "",
});

/** The next order of the same patient: all but what this order was about. */
export const sameAgain = (form: OrderForm): OrderForm => ({ ...form, medication: "", order_date: "" });

export const isBlank = (form: OrderForm): boolean => JSON.stringify(trimmed(form)) === JSON.stringify(trimmed(emptyForm()));

const trimmed = (form: OrderForm) => toBody(form, false);

/** What is sent. Faults are the server's to find, all at once: what cannot be read goes as it was typed. */
export function toBody(form: OrderForm, hasFile: boolean): OrderBody {
  const { patient, provider } = form;
  const body = {
    patient: {
      first_name: patient.first_name.trim(),
      last_name: patient.last_name.trim(),
      mrn: patient.mrn.trim(),
      date_of_birth: asDate(patient.date_of_birth),
      ...(patient.sex && { sex: patient.sex }),
      ...(patient.weight_kg.trim() && { weight_kg: asNumber(patient.weight_kg) }),
      allergies: texts(patient.allergies),
    },
    provider: { name: provider.name.trim(), npi: provider.npi.trim() },
    primary_diagnosis: form.primary_diagnosis.trim(),
    additional_diagnoses: texts(form.additional_diagnoses),
    medication: form.medication.trim(),
    medication_history: texts(form.medication_history),
    ...(!hasFile && { patient_records: form.patient_records }),
    ...(form.order_date.trim() && { order_date: asDate(form.order_date) }),
  };
  return body as OrderBody;
}

const texts = (rows: Row[]) => rows.map((row) => row.text.trim()).filter((text) => text !== "");
const asDate = (typed: string) => isoDate(typed) ?? typed.trim();

function asNumber(typed: string): number | string {
  const number = Number(typed.trim().replace(",", "."));
  return Number.isFinite(number) ? number : typed.trim();
}

const ROWS: RowsName[] = ["patient.allergies", "additional_diagnoses", "medication_history"];
const FIELDS = new Set([
  "patient.first_name",
  "patient.last_name",
  "patient.mrn",
  "patient.date_of_birth",
  "patient.sex",
  "patient.weight_kg",
  "provider.name",
  "provider.npi",
  "primary_diagnosis",
  "medication",
  "patient_records",
  "order_date",
]);

/** The field of the form that a fault means; null where the form has none. Blank rows were not sent, so rows are counted anew. */
export function fieldOf(fault: string, form: OrderForm): string | null {
  if (FIELDS.has(fault)) return fault;
  const rows = ROWS.find((name) => fault === name || fault.startsWith(`${name}.`));
  if (!rows) return null;
  const sent = Number(fault.slice(rows.length + 1).split(".")[0]);
  const places = rowsOf(form, rows).flatMap((row, place) => (row.text.trim() ? [place] : []));
  return `${rows}.${places[sent] ?? 0}.text`;
}

export const rowsOf = (form: OrderForm, name: RowsName): Row[] =>
  name === "patient.allergies" ? form.patient.allergies : form[name];
