import * as z from "zod/mini";
import type { ApiError } from "@/api/call";

/** What a business rule found. An order's `problems` and a 409's lists have the same shape. */
export type Finding = {
  type: "block" | "warning" | "notice";
  code: string;
  message: string;
  detail: Record<string, unknown>;
  confirmed?: boolean | null;
};

const finding = z.object({
  type: z.enum(["block", "warning", "notice"]),
  code: z.string(),
  message: z.string(),
  detail: z._default(z.record(z.string(), z.unknown()), {}),
  confirmed: z.nullish(z.boolean()),
});
const list = z.catch(z.array(finding), []);

export type Decision = { orderId: string | null; blocks: Finding[]; warnings: Finding[]; notices: Finding[] };

/** The decision that a 409 of type `block` or `warning` carries. */
export function decisionOf(error: ApiError): Decision {
  const { detail } = error.body;
  return {
    orderId: typeof detail.order_id === "string" ? detail.order_id : null,
    blocks: list.parse(detail.blocks ?? []),
    warnings: list.parse(detail.warnings ?? []),
    notices: list.parse(detail.notices ?? []),
  };
}

const person = z.object({
  mrn: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  date_of_birth: z.string(),
});
export type Person = z.infer<typeof person>;
export const PERSON_FIELDS = ["mrn", "first_name", "last_name", "date_of_birth"] as const;

const comparison = z.object({
  on_file: z.union([person, z.array(person)]),
  submitted: person,
});

/** Where a finding is about a person: who is on file, and who was submitted. */
export function personsOf({ detail }: Finding): { onFile: Person[]; submitted: Person } | null {
  const read = comparison.safeParse(detail);
  return read.success ? { onFile: [read.data.on_file].flat(), submitted: read.data.submitted } : null;
}

const earlier = z.object({ orders: z.array(z.object({ order_id: z.string(), order_date: z.string() })) });

export function earlierOrdersOf({ detail }: Finding): { order_id: string; order_date: string }[] {
  const read = earlier.safeParse(detail);
  return read.success ? read.data.orders : [];
}

const conflict = z.object({ npi: z.string(), on_file: z.string(), submitted: z.string() });

export function npiConflictOf({ detail }: Finding): z.infer<typeof conflict> | null {
  const read = conflict.safeParse(detail);
  return read.success ? read.data : null;
}
