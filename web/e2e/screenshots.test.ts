import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { api, openBrowser, partnersPost, somebody, someOrder, visit, type Role } from "./support";

/** `npm run screenshots`: every page as docs/screenshots shows it, of a running system with some orders in it (`make demo`). */
const FOLDER = process.env.SCREENSHOTS === "1" ? "../docs/screenshots" : process.env.SCREENSHOTS;
let browser: Browser;
let ids = { plan: "", waiting: "", blocked: "" };

beforeAll(async () => {
  if (!FOLDER) return;
  mkdirSync(FOLDER, { recursive: true });
  browser = await openBrowser();
  const patient = { ...somebody(), last_name: "Bell" };
  await partnersPost();
  const send = async (change: object) => {
    const { body } = await api("assistant", "POST", "/api/orders", { ...someOrder(patient), order_date: undefined, ...change });
    const answer = body as { order_id?: string; detail?: { order_id: string } };
    return answer.order_id ?? answer.detail?.order_id ?? "";
  };
  ids = {
    // Somebody of this name may be on file from an earlier run.
    plan: await send({ confirm: true }),
    waiting: await send({ patient: { ...patient, first_name: "Anna" }, medication: "Stelara" }),
    blocked: await send({}),
  };
  type Plan = { careplan_id: string; sections: { problem_list: { text: string }[] } };
  const planOf = async () => ((await api("pharmacist", "GET", `/api/orders/${ids.plan}`)).body as { careplan: Plan | null }).careplan;
  let careplan = await planOf();
  for (; !careplan; careplan = await planOf()) await new Promise((resolve) => setTimeout(resolve, 200));
  const { sections } = careplan;
  const [first, ...rest] = sections.problem_list;
  const revised = { ...sections, problem_list: [{ ...first, text: `${first?.text ?? ""} No signs of it at the last visit.` }, ...rest] };
  await api("pharmacist", "POST", `/api/careplans/${careplan.careplan_id}/revisions`, { sections: revised, note: "After the call with the clinic" });
  await new Promise((resolve) => setTimeout(resolve, 2_000));
}, 60_000);
afterAll(async () => {
  if (FOLDER) await browser.close();
});

type Shot = [name: string, role: Role | null, path: () => string, ready: string, act?: (page: Page) => Promise<unknown>];

const SHOTS: Shot[] = [
  ["sign-in", null, () => "/", "Sign in"],
  ["new-order", "assistant", () => "/orders/new", "Patient records", typeAnOrder],
  ["new-order-faults", "assistant", () => "/orders/new", "Patient records", (page) => page.getByRole("button", { name: "Submit order" }).click().then(() => page.getByRole("heading", { name: /need attention/ }).waitFor())],
  ["work-list", "pharmacist", () => "/orders", "Work list", (page) => page.getByRole("table").waitFor()],
  ["work-list-all", "assistant", () => "/orders?view=all", "Work list", (page) => page.getByRole("table").waitFor()],
  ["order", "pharmacist", () => `/orders/${ids.plan}`, "Problem list", light],
  ["order-to-confirm", "assistant", () => `/orders/${ids.waiting}`, "This order waits for a decision"],
  ["order-blocked", "assistant", () => `/orders/${ids.blocked}`, "This order is blocked"],
  ["warning", "assistant", () => `/orders/${ids.waiting}`, "This order waits for a decision", (page) => page.getByRole("button", { name: "Look and decide" }).click()],
  ["compare", "pharmacist", () => `/orders/${ids.plan}/compare`, "Compare versions"],
  ["revise", "pharmacist", () => `/orders/${ids.plan}/revise`, "Revise the care plan"],
  ["print", "assistant", () => `/orders/${ids.plan}/print`, "Your medicine"],
  ["reports", "analyst", () => "/reports", "Orders by day"],
  ["operations", "admin", () => "/operations", "Services", (page) => page.waitForTimeout(6_000)],
  ["operations-dead-letters", "admin", () => "/operations?view=dead-letters", "Dead letters"],
  ["operations-deliveries", "admin", () => "/operations?view=deliveries", "Notifications"],
  ["operations-submissions", "admin", () => "/operations?view=submissions", "What partners sent"],
  ["operations-access", "admin", () => "/operations?view=access", "Accounts"],
  ["operations-audit", "admin", () => "/operations?view=audit", "Audit", (page) => page.getByRole("table").waitFor()],
  ["partners", null, () => "/partners", "Events"],
];

async function typeAnOrder(page: Page) {
  const { first_name, mrn } = somebody();
  await page.getByLabel("First name").fill(first_name);
  await page.getByLabel("Last name").fill("Bell");
  await page.getByLabel("MRN", { exact: true }).fill(mrn);
  await page.getByLabel("Date of birth").fill("06/08/1979");
  await page.getByLabel("Weight").fill("72");
  await page.getByLabel("Provider name").fill("Dr. Jane Lee");
  await page.getByLabel("NPI").fill("1234567890");
  await page.getByLabel("Primary diagnosis").fill("myas");
  await page.getByRole("option", { name: /G70/ }).first().waitFor();
}

async function light(page: Page) {
  await page.locator("li:has-text('Creatinine') button[aria-pressed]").first().click();
}

const LARGEST = 100 * 1024;

/** As PNG; where that would be too much for a repository, as JPEG. */
async function shoot(page: Page, name: string) {
  for (const ending of ["png", "jpg"]) rmSync(`${FOLDER}/${name}.${ending}`, { force: true });
  const picture = await page.screenshot();
  if (picture.length <= LARGEST) writeFileSync(`${FOLDER}/${name}.png`, picture);
  else await page.screenshot({ path: `${FOLDER}/${name}.jpg`, type: "jpeg", quality: 70 });
}

test.runIf(FOLDER).each(SHOTS)("%s", { timeout: 60_000 }, async (name, role, path, ready, act) => {
  const { page, close } = await visit(browser, role, path());
  await page.getByRole("heading", { name: ready, exact: true }).first().waitFor();
  await act?.(page);
  await page.waitForTimeout(400);
  await shoot(page, name);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 820, height: 1180 });
  await page.waitForTimeout(400);
  await shoot(page, `${name}-tablet-dark`);
  await close();
});

test.skipIf(FOLDER)("screenshots are made by hand: npm run screenshots", () => undefined);
