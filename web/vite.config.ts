import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { parse } from "yaml";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The events' description goes along as JSON: the page that shows it then needs no YAML reader. */
function asyncapi(): Plugin {
  const source = here("../schemas/asyncapi.yaml");
  const json = () => JSON.stringify(parse(readFileSync(source, "utf8")));
  return {
    name: "asyncapi",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "asyncapi.json", source: json() });
      this.emitFile({ type: "asset", fileName: "asyncapi.yaml", source: readFileSync(source, "utf8") });
    },
    configureServer(server) {
      server.middlewares.use("/asyncapi.json", (_, response) => {
        response.setHeader("Content-Type", "application/json");
        response.end(json());
      });
    },
  };
}

const backend = process.env.CAREPLAN_URL ?? "http://127.0.0.1:8080";
const proxy = Object.fromEntries(
  ["/api", "/health", "/metrics", "/openapi.json"].map((path) => [path, { target: backend, changeOrigin: false }]),
);

export default defineConfig({
  plugins: [react(), asyncapi()],
  resolve: { alias: { "@": here("./src") } },
  build: {
    target: "es2023",
    // A data: address would need a wider Content-Security-Policy than 'self'.
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
  },
  server: { port: 5173, proxy },
  preview: {
    port: 4173,
    proxy,
    // As strict as the all-in-one: what breaks under it breaks here first.
    headers: { "Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff" },
  },
});
