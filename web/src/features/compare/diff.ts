import type { Sections } from "@/api/generated";

export type Piece = { kind: "same" | "removed" | "added"; text: string };

const LARGEST = 1_000_000;

/** What was taken out and put in, by the longest common run of `units`: words of a sentence, or lines of a text. */
function differenceOf(was: string[], becomes: string[]): Piece[] {
  if (was.length * becomes.length > LARGEST) {
    return [
      { kind: "removed", text: was.join("") },
      { kind: "added", text: becomes.join("") },
    ];
  }
  const width = becomes.length + 1;
  const common = new Uint32Array((was.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = was.length - 1; i >= 0; i -= 1) {
    for (let j = becomes.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = was[i] === becomes[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pieces: Piece[] = [];
  const put = (kind: Piece["kind"], text: string) => {
    const last = pieces.at(-1);
    if (last?.kind === kind) last.text += text;
    else pieces.push({ kind, text });
  };
  let [i, j] = [0, 0];
  while (i < was.length || j < becomes.length) {
    if (i < was.length && j < becomes.length && was[i] === becomes[j]) {
      put("same", was[i] ?? "");
      i += 1;
      j += 1;
    } else if (i < was.length && (j === becomes.length || at(i + 1, j) >= at(i, j + 1))) {
      put("removed", was[i] ?? "");
      i += 1;
    } else {
      put("added", becomes[j] ?? "");
      j += 1;
    }
  }
  return pieces;
}

export const wordsChanged = (was: string, becomes: string) => differenceOf(was.split(/(?<=\s)/), becomes.split(/(?<=\s)/));
export const linesChanged = (was: string, becomes: string) => differenceOf(was.split(/(?<=\n)/), becomes.split(/(?<=\n)/));

export type SectionName = keyof Sections;
export type ChangedItem = {
  section: SectionName;
  id: string;
  kind: "added" | "removed" | "changed";
  fields: { field: string; pieces: Piece[] }[];
};

const SECTIONS: SectionName[] = ["problem_list", "goals", "interventions", "monitoring"];

/** Every item that is new, gone or worded differently, in the order of the plan. Ids stay the same across versions. */
export function changedItems(before: Sections, after: Sections): ChangedItem[] {
  return SECTIONS.flatMap((section) => {
    const was = new Map(before[section].map((item) => [item.id, item as object]));
    const is = new Map(after[section].map((item) => [item.id, item as object]));
    const ids = [...new Set([...was.keys(), ...is.keys()])];
    return ids.flatMap((id): ChangedItem[] => {
      const [old, now] = [was.get(id), is.get(id)];
      const fields = changedFields(old ?? {}, now ?? {});
      if (fields.length === 0) return [];
      return [{ section, id, kind: !old ? "added" : !now ? "removed" : "changed", fields }];
    });
  });
}

function changedFields(was: object, is: object): ChangedItem["fields"] {
  const names = new Set([...Object.keys(was), ...Object.keys(is)].filter((name) => name !== "id"));
  return [...names].flatMap((field) => {
    const [old, now] = [shown(was, field), shown(is, field)];
    return old === now ? [] : [{ field, pieces: wordsChanged(old, now) }];
  });
}

function shown(item: object, field: string): string {
  const value: unknown = (item as Record<string, unknown>)[field];
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" ? value : "";
}
