/** As much of OpenAPI 3.1 and JSON Schema as our own description uses. */
export type Schema = {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  additionalProperties?: boolean | Schema;
  [more: string]: unknown;
};
export type Parameter = { name: string; in: string; required?: boolean; description?: string; schema?: Schema };
type Content = Record<string, { schema?: Schema; example?: unknown }>;
type Response = { $ref?: string; description?: string; content?: Content };
type Described = {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content?: Content };
  responses?: Record<string, Response>;
};
export type OpenApi = {
  info: { title: string; version: string; description?: string };
  paths: Record<string, Record<string, Described>>;
  components?: { schemas?: Record<string, Schema>; responses?: Record<string, Response> };
};

export type Operation = Described & { id: string; method: string; path: string; tag: string };

const METHODS = ["get", "post", "put", "patch", "delete"];

/** Every call under its tag, in the order of the description. */
export function operationsByTag(document: OpenApi): [string, Operation[]][] {
  const found = new Map<string, Operation[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const described = methods[method];
      if (!described) continue;
      const tag = described.tags?.[0] ?? "health";
      const id = `${method}${path.replace(/[^a-z0-9]+/gi, "-")}`.replace(/-$/, "");
      found.set(tag, [...(found.get(tag) ?? []), { ...described, id, method: method.toUpperCase(), path, tag }]);
    }
  }
  return [...found];
}

/** What `$ref` points at, within the same document. */
export function resolve<T extends { $ref?: string }>(document: object, given: T): T {
  if (!given.$ref?.startsWith("#/")) return given;
  let at: unknown = document;
  for (const step of given.$ref.slice(2).split("/")) {
    at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return (at as T | undefined) ?? given;
}

/** One value that has the schema's form; what may be left out is left out. */
export function exampleOf(document: object, given: Schema, depth = 0): unknown {
  const schema = resolve(document, given);
  if (depth > 8) return null;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum?.length) return schema.enum[0];
  const variant = (schema.anyOf ?? schema.oneOf)?.find((one) => one.type !== "null");
  if (variant) return exampleOf(document, variant, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object" || schema.properties) {
    const needed = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name));
    return Object.fromEntries(needed.map(([name, one]) => [name, exampleOf(document, one, depth + 1)]));
  }
  if (type === "array") return [];
  if (type === "integer" || type === "number") return 0;
  if (type === "boolean") return false;
  if (schema.format === "date") return "2026-01-31";
  return "";
}

export type Line = { path: string; type: string; required: boolean; description: string };

/** A schema as a flat list of fields: `patient.mrn`, `problems[].code`. */
export function fieldsOf(document: object, given: Schema, prefix = "", required = true, depth = 0): Line[] {
  const schema = resolve(document, given);
  const type = typeOf(document, schema);
  const own = prefix ? [{ path: prefix, type, required, description: (schema.description ?? "").split("\n")[0] ?? "" }] : [];
  const inner = innerOf(document, schema);
  if (!inner || depth > 5) return own;
  const start = prefix + (inner.isList && prefix ? "[]" : "");
  const fields = Object.entries(inner.schema.properties ?? {}).flatMap(([name, one]) =>
    fieldsOf(document, one, start ? `${start}.${name}` : name, inner.schema.required?.includes(name) ?? false, depth + 1),
  );
  return [...own, ...fields];
}

function innerOf(document: object, schema: Schema): { schema: Schema; isList: boolean } | null {
  if (schema.properties) return { schema, isList: false };
  if (schema.items) {
    const item = resolve(document, schema.items);
    return item.properties ? { schema: item, isList: true } : null;
  }
  const variant = (schema.anyOf ?? schema.oneOf)?.map((one) => resolve(document, one)).find((one) => one.properties ?? one.items);
  return variant ? innerOf(document, variant) : null;
}

export function typeOf(document: object, given: Schema): string {
  const schema = resolve(document, given);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants) return [...new Set(variants.map((one) => typeOf(document, one)))].join(" | ");
  if (schema.items) return `${typeOf(document, schema.items)}[]`;
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? "any");
  return schema.format ? `${type} (${schema.format})` : type;
}

/** The address of a try; null while a required parameter is empty. */
export function addressOf(operation: Operation, values: Record<string, string>): string | null {
  const parameters = operation.parameters ?? [];
  if (parameters.some(({ name, required }) => required && !values[name]?.trim())) return null;
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(values[name]?.trim() ?? ""));
  const wanted = parameters.filter((one) => one.in === "query" && values[one.name]?.trim());
  const query = new URLSearchParams(wanted.map(({ name }) => [name, values[name]?.trim() ?? ""]));
  return query.size > 0 ? `${path}?${query.toString()}` : path;
}
