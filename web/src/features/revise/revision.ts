import { useMutation, useQueryClient } from "@tanstack/react-query";
import { call } from "@/api/call";
import { postApiCareplansByCareplanIdRevisions, type PostApiCareplansByCareplanIdRevisionsData, type Sections } from "@/api/generated";
import { orderFollows } from "@/shared/order-follows";

export type SectionName = keyof Sections;
export const SECTIONS: SectionName[] = ["problem_list", "goals", "interventions", "monitoring"];

type Kind = "line" | "area" | "date" | "category" | "severity";

/** What can be edited in an item of each section, in the order of the plan. */
export const FIELDS = {
  problem_list: { text: "area", category: "category", severity: "severity" },
  goals: { text: "area", measure: "line", target: "line", due: "date" },
  interventions: { text: "area", when: "line", by: "line" },
  monitoring: {
    text: "area",
    test: "line",
    first: "line",
    interval: "line",
    threshold: "line",
    action: "line",
    responsible: "line",
  },
} as const satisfies Record<SectionName, Record<string, Kind>>;

/** An item as it is edited. `known`: null for one that was added here; its id comes from the server. */
export type Item = { known: string | null; struck: boolean; reason: string; values: Record<string, string> };
export type RevisionForm = Record<SectionName, Item[]> & { note: string; text: string; mode: "sections" | "text" };

type Names<T> = T extends T ? keyof T : never;
export type FieldName = Names<(typeof FIELDS)[SectionName]>;

export const fieldsOf = (section: SectionName) => Object.entries(FIELDS[section]) as [FieldName, Kind][];

type Plan = { sections: Sections; text: string };

export function toForm({ sections, text }: Plan): RevisionForm {
  const items = (section: SectionName): Item[] =>
    sections[section].map((item) => ({ known: item.id, struck: false, reason: "", values: valuesOf(section, item) }));
  return {
    problem_list: items("problem_list"),
    goals: items("goals"),
    interventions: items("interventions"),
    monitoring: items("monitoring"),
    note: "",
    text: withoutBanner(text),
    mode: "sections",
  };
}

/** The first line of a draft says that it is one; it is not part of what a pharmacist edits. */
export const withoutBanner = (text: string) => text.replace(/^Draft: requires pharmacist review\s+/, "");

function valuesOf(section: SectionName, item: object): Record<string, string> {
  const has = item as Partial<Record<FieldName, string>>;
  return Object.fromEntries(fieldsOf(section).map(([field]) => [field, has[field] ?? ""]));
}

export function newItem(section: SectionName, today: string): Item {
  const defaults: Record<string, string> = { category: "needs_additional_therapy", severity: "moderate", due: today };
  const values = fieldsOf(section).map(([field]) => [field, defaults[field] ?? ""]);
  return { known: null, struck: false, reason: "", values: Object.fromEntries(values) as Record<string, string> };
}

export type Revision = {
  sections?: Record<SectionName, object[]>;
  text?: string;
  note: string;
  rejected?: { item: string; reason: string }[];
};

/** What is sent. What is not edited here (citations, medication) stays; nothing points at a problem that was struck out. */
export function toRevision({ sections }: Plan, form: RevisionForm): Revision {
  if (form.mode === "text") return { text: form.text, note: form.note };
  const struck = SECTIONS.flatMap((section) => form[section]).filter((item) => item.struck && item.known);
  const gone = new Set(struck.map(({ known }) => known));
  const kept = (section: SectionName) =>
    form[section]
      .filter((item) => !item.struck)
      .map((item) => {
        const before = (sections[section] as { id: string; addresses?: string[] }[]).find(({ id }) => id === item.known);
        const addresses = before?.addresses?.filter((id) => !gone.has(id));
        return { ...before, ...item.values, ...(addresses && { addresses }) };
      });
  return {
    sections: {
      problem_list: kept("problem_list"),
      goals: kept("goals"),
      interventions: kept("interventions"),
      monitoring: kept("monitoring"),
    },
    note: form.note,
    rejected: struck.map(({ known, reason }) => ({ item: known ?? "", reason: reason.trim() || "-" })),
  };
}

export type Change = { item: string; field: string; was: string; becomes: string };

/** Everything that differs from the version at hand. */
export function changesOf(plan: Plan, form: RevisionForm): Change[] {
  if (form.mode === "text") {
    const was = withoutBanner(plan.text);
    return was === form.text ? [] : [{ item: "", field: "text", was: "", becomes: "" }];
  }
  const before = toForm(plan);
  return SECTIONS.flatMap((section) =>
    form[section].flatMap((item): Change[] => {
      const known = before[section].find((one) => one.known === item.known);
      if (!item.known || !known) return item.struck ? [] : [{ item: "+", field: "text", was: "", becomes: item.values.text ?? "" }];
      if (item.struck) return [{ item: item.known, field: "struck", was: item.values.text ?? "", becomes: "" }];
      return fieldsOf(section).flatMap(([field]) => {
        const was = known.values[field] ?? "";
        const becomes = item.values[field] ?? "";
        return was === becomes ? [] : [{ item: item.known ?? "", field, was, becomes }];
      });
    }),
  );
}

type Save = { careplanId: string; version: number; revision: Revision };

/** What was typed: the server says what of it is no category, date or code. */
type Body = PostApiCareplansByCareplanIdRevisionsData["body"];

const revise = ({ careplanId, revision }: Save) =>
  call(postApiCareplansByCareplanIdRevisions({ path: { careplan_id: careplanId }, body: revision as Body }));

export function useRevise(orderId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: revise,
    onSuccess: (_saved, { version }) => orderFollows(queries, orderId, (plan) => plan.version > version),
  });
}
