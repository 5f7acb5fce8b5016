import { readFile } from "node:fs/promises";
import { defineConfig } from "@hey-api/openapi-ts";

const METHODS = ["get", "put", "post", "delete", "patch"];

type Description = { paths: Record<string, Record<string, { operationId?: string }>> };

/** `npm run api`: the client, anew from the running system's own description (or from the file that OPENAPI names), or into API_OUT. */
async function description(): Promise<Description> {
  const where = process.env.OPENAPI ?? "http://127.0.0.1:8080/openapi.json";
  const text = where.startsWith("http") ? await (await fetch(where)).text() : await readFile(where, "utf8");
  const read = JSON.parse(text) as Description;
  // Without ids the calls are named by method and path, which are promised; a Python function's name is not.
  for (const path of Object.values(read.paths)) {
    for (const method of METHODS) delete path[method]?.operationId;
  }
  return read;
}

export default description().then((input) =>
  defineConfig({
    input: input as never,
    output: { path: process.env.API_OUT ?? "src/api/generated" },
    plugins: ["@hey-api/typescript", "@hey-api/sdk", "@hey-api/client-fetch"],
  }),
);
