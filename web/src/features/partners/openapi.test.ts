import { describe, expect, test } from "vitest";
import { addressOf, exampleOf, fieldsOf, operationsByTag, typeOf, type OpenApi } from "./openapi";

const document: OpenApi = {
  info: { title: "t", version: "1" },
  paths: {
    "/api/orders/{order_id}": {
      get: {
        tags: ["orders"],
        parameters: [
          { name: "order_id", in: "path", required: true, schema: { type: "string" } },
          { name: "q", in: "query", schema: { type: "string" } },
        ],
      },
    },
    "/health": { get: {} },
  },
  components: {
    schemas: {
      Order: {
        type: "object",
        required: ["mrn", "sex"],
        properties: {
          mrn: { type: "string", description: "Six digits.\nMore." },
          sex: { anyOf: [{ enum: ["female", "male"] }, { type: "null" }] },
          items: { type: "array", items: { type: "object", required: ["id"], properties: { id: { type: "integer" } } } },
        },
      },
    },
  },
};
const order = { $ref: "#/components/schemas/Order" };

test("calls stand under their tag", () =>
  expect(operationsByTag(document).map(([tag, calls]) => [tag, calls[0]?.id])).toEqual([
    ["orders", "get-api-orders-order-id"],
    ["health", "get-health"],
  ]));

test("an example has what is required", () => expect(exampleOf(document, order)).toEqual({ mrn: "", sex: "female" }));

test("fields are listed with their paths", () =>
  expect(fieldsOf(document, order).map(({ path, required }) => `${path}${required ? "*" : ""}`)).toEqual([
    "mrn*",
    "sex*",
    "items",
    "items[].id*",
  ]));

test("types read as a person writes them", () => {
  expect(typeOf(document, { anyOf: [{ type: "string", format: "date" }, { type: "null" }] })).toBe("string (date) | null");
  expect(typeOf(document, { type: "array", items: { type: "string" } })).toBe("string[]");
});

test("a description that refers to itself ends", () => {
  const loop = { components: { schemas: { A: { type: "object", required: ["a"], properties: { a: { $ref: "#/components/schemas/A" } } } } } };
  expect(fieldsOf(loop, { $ref: "#/components/schemas/A" }).length).toBeLessThan(10);
  expect(JSON.stringify(exampleOf(loop, { $ref: "#/components/schemas/A" })).length).toBeLessThan(100);
});

describe("the address of a try", () => {
  const [[, [operation]] = ["", []]] = operationsByTag(document);
  test("waits for what is required", () => expect(operation && addressOf(operation, {})).toBeNull());
  test("is escaped", () =>
    expect(operation && addressOf(operation, { order_id: "a/b", q: "x y" })).toBe("/api/orders/a%2Fb?q=x+y"));
});
