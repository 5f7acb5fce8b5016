import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin, type Rolldown } from "vite";
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

/** Pages by their address, as in src/app/routes.tsx; the first that fits. */
const PAGES: [address: string, page: string][] = [
  ["^/orders/new$", "new-order/new-order-page"],
  ["^/orders/?$", "work-list/work-list-page"],
  ["^/orders/[^/]+/revise$", "revise/revise-page"],
  ["^/orders/[^/]+$", "order/order-page"],
  ["^/reports", "reports/reports-page"],
  ["^/operations", "operations/operations-page"],
];

/** A page's files are fetched beside the shell's, not after the shell has asked for them. */
function ahead(): Plugin {
  const filesOf = (bundle: Rolldown.OutputBundle, page: string) => {
    const chunks = Object.values(bundle).filter((file) => file.type === "chunk");
    const found = new Set<string>();
    const walk = (chunk: Rolldown.OutputChunk | undefined) => {
      if (!chunk || chunk.isEntry || found.has(chunk.fileName)) return;
      found.add(chunk.fileName);
      chunk.imports.forEach((name) => walk(chunks.find(({ fileName }) => fileName === name)));
    };
    walk(chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(`/src/features/${page}.tsx`)));
    return [...found];
  };
  return {
    name: "ahead",
    apply: "build",
    transformIndexHtml: () => [{ tag: "script", attrs: { src: "/ahead.js", async: true }, injectTo: "head" }],
    generateBundle(_, bundle) {
      const files = PAGES.map(([address, page]) => [address, filesOf(bundle, page)]);
      const source = `const page = ${JSON.stringify(files)}.find(([address]) => new RegExp(address).test(location.pathname));
for (const file of page ? page[1] : []) {
  document.head.append(Object.assign(document.createElement("link"), { rel: "modulepreload", href: "/" + file }));
}
`;
      this.emitFile({ type: "asset", fileName: "ahead.js", source });
    },
  };
}

const backend = process.env.CAREPLAN_URL ?? "http://127.0.0.1:8080";
const proxy = Object.fromEntries(
  ["/api", "/health", "/metrics", "/openapi.json"].map((path) => [path, { target: backend, changeOrigin: false }]),
);

export default defineConfig({
  plugins: [react(), asyncapi(), ahead()],
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
