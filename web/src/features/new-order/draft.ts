import * as z from "zod/mini";
import { newId } from "@/shared/new-id";
import { emptyForm, type OrderForm } from "./order-form";

const KEY = "new-order";
const text = z.catch(z.string(), "");
const rows = z.catch(z.array(z.object({ text })).check(z.minLength(1)), () => [{ text: "" }]);

const draft = z.object({
  form: z.object({
    patient: z.catch(
      z.object({
        first_name: text,
        last_name: text,
        mrn: text,
        date_of_birth: text,
        sex: text,
        weight_kg: text,
        allergies: rows,
      }),
      () => emptyForm().patient,
    ),
    provider: z.catch(z.object({ name: text, npi: text }), () => emptyForm().provider),
    primary_diagnosis: text,
    additional_diagnoses: rows,
    medication: text,
    medication_history: rows,
    patient_records: text,
    order_date: text,
  }),
  fileName: z.catch(z.nullable(z.string()), null),
  next: z.catch(z.enum(["new", "same"]), "new"),
  sent: z.catch(z.nullable(z.object({ fingerprint: z.string(), key: z.string() })), null),
});

/** `sent`: the last order that was sent from this form, and its key. */
export type Draft = z.infer<typeof draft> & { form: OrderForm };

export const noDraft = (): Draft => ({ form: emptyForm(), fileName: null, next: "new", sent: null });

/** A half-typed order lives in this tab only, and survives its reload. */
export function readDraft(storage: Pick<Storage, "getItem">): Draft {
  try {
    return draft.parse(JSON.parse(storage.getItem(KEY) ?? "null"));
  } catch {
    return noDraft();
  }
}

export function keepDraft(storage: Pick<Storage, "setItem">, kept: Draft): void {
  try {
    storage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage is full or shut: the form works on, it only would not survive a reload.
  }
}

/** The same content keeps its key, so that sending twice makes one order; changed content is another order. */
export function keyFor(fingerprint: string, sent: Draft["sent"]): { fingerprint: string; key: string } {
  return sent?.fingerprint === fingerprint ? sent : { fingerprint, key: newId() };
}

/** What makes two submissions the same, without keeping the patient's data a second time. */
export function fingerprintOf(body: unknown, file: Pick<File, "name" | "size" | "lastModified"> | null): string {
  const about = file ? [file.name, file.size, file.lastModified] : [];
  const bytes = new TextEncoder().encode(JSON.stringify([body, about]));
  return quickHash(bytes);
}

/** cyrb53, over bytes: crypto.subtle exists on secure origins only. */
function quickHash(bytes: Uint8Array): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (const byte of bytes) {
    high = Math.imul(high ^ byte, 2654435761);
    low = Math.imul(low ^ byte, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return `${bytes.length}-${(high >>> 0).toString(16)}${(low >>> 0).toString(16)}`;
}
