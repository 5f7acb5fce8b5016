// `npm run measure`: how soon a page can be used, and how long a key waits, in Chromium on this machine (CAREPLAN_URL, CAREPLAN_HOME).
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const base = process.env.CAREPLAN_URL ?? "http://127.0.0.1:8080";
const { staff } = JSON.parse(readFileSync(`${process.env.CAREPLAN_HOME ?? "../var"}/demo-credentials.json`, "utf8"));
const RUNS = 5;
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

async function windowOf(role) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 } });
  const { password } = staff.find(({ username }) => username === role);
  await context.request.post(`${base}/api/session`, { data: { username: role, password } });
  return context.newPage();
}

/** From the request to the first moment at which the field or link that people come for is there. A new window each time: nothing is cached. */
async function untilUsable(role, path, selector) {
  const page = await windowOf(role);
  await page.addInitScript((wanted) => {
    const look = () => (document.querySelector(wanted) ? (window.usableAt = performance.now()) : requestAnimationFrame(look));
    look();
  }, selector);
  await page.goto(base + path);
  await page.waitForFunction(() => window.usableAt);
  const at = await page.evaluate(() => window.usableAt);
  await page.context().close();
  return at;
}

for (const [role, path, selector] of [
  ["assistant", "/orders/new", "input[name='patient.first_name']"],
  ["pharmacist", "/orders", "a[data-place], h2"],
  ["analyst", "/reports", "svg[role=img], h2"],
]) {
  const times = [];
  for (let run = 0; run < RUNS; run += 1) times.push(await untilUsable(role, path, selector));
  console.log(`${path.padEnd(12)} usable after ${median(times).toFixed(0)} ms (median of ${RUNS}, slowest ${Math.max(...times).toFixed(0)})`);
}

const page = await windowOf("assistant");
await page.goto(`${base}/orders/new`);
await page.getByLabel("Records as text").fill("x".repeat(199_000));
for (const [label, text] of [["Last name", "Abernathy Castellano"], ["NPI", "1234567893"], ["Primary diagnosis", "myasthenia gravis"]]) {
  await page.getByLabel(label, { exact: true }).click();
  await page.evaluate(() => {
    window.seen = [];
    document.onkeydown = () => {
      const at = performance.now();
      requestAnimationFrame(() => setTimeout(() => window.seen.push(performance.now() - at)));
    };
  });
  await page.keyboard.type(text, { delay: 60 });
  const seen = await page.evaluate(() => window.seen);
  console.log(`typing into ${label}: a key is drawn after ${median(seen).toFixed(0)} ms (median of ${seen.length}, slowest ${Math.max(...seen).toFixed(0)})`);
}
const decided = [];
for (let run = 0; run < RUNS; run += 1) {
  const mrn = String((Date.now() + run) % 1_000_000).padStart(6, "0");
  await page.goto(`${base}/orders/new`);
  await page.evaluate(() => sessionStorage.clear());
  await page.reload();
  for (const [label, text] of [["First name", "Ana"], ["Last name", `Bell${[...mrn].map((digit) => "abcdefghij"[digit]).join("")}`], ["MRN", mrn], ["Date of birth", "06/08/1979"],
    ["Provider name", "Dr. Jane Lee"], ["NPI", "1234567893"], ["Primary diagnosis", "G70.00"], ["Records as text", "Creatinine 0.78 mg/dL."]]) await page.getByLabel(label, { exact: true }).fill(text);
  await page.getByRole("textbox", { name: "Medication", exact: true }).fill("IVIG");
  const at = Date.now();
  await page.getByRole("button", { name: "Submit order" }).click();
  await page.getByRole("heading", { name: "Order accepted" }).waitFor();
  decided.push(Date.now() - at);
}
console.log(`submit: the decision is shown after ${median(decided)} ms (median of ${RUNS}, slowest ${Math.max(...decided)})`);
await browser.close();
