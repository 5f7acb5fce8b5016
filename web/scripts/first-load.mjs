// After a build: what a first visit to each page loads, gzipped. Over the budget the build fails.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 250 * 1024;
const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));
const size = (file) => gzipSync(readFileSync(`dist/${file}`)).length;

function files(key, seen = new Set()) {
  if (seen.has(key)) return [];
  seen.add(key);
  const { file, css = [], imports = [] } = manifest[key];
  return [file, ...css, ...imports.flatMap((one) => files(one, seen))];
}

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const pages = Object.keys(manifest).filter((key) => manifest[key].isDynamicEntry);
let over = false;
for (const page of [null, ...pages]) {
  const all = new Set([...files(entry), ...(page ? files(page) : [])]);
  const total = [...all].reduce((sum, file) => sum + size(file), 0);
  over ||= total > BUDGET;
  console.log(`${(total / 1024).toFixed(1).padStart(7)} KB gzip  ${page ?? "(shell and sign-in)"}`);
}
if (over) {
  console.error(`A first load is over ${BUDGET / 1024} KB: split the page, or drop a dependency.`);
  process.exit(1);
}
