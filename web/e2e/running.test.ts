import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { api, demoKey, expectAccessible, killServices, somebody, someOrder, tabTo, windows } from "./support";

const open = windows();

type Shown = { order_id: string; careplan: { careplan_id: string; sections: { problem_list: { text: string }[] } } | null };

async function writtenPlan(): Promise<Shown> {
  const { body } = await api("assistant", "POST", "/api/orders", someOrder());
  const { order_id } = body as Shown;
  await expect.poll(async () => ((await api("assistant", "GET", `/api/orders/${order_id}`)).body as Shown).careplan, { timeout: 60_000 }).toBeTruthy();
  return (await api("assistant", "GET", `/api/orders/${order_id}`)).body;
}

describe("the work list", () => {
  test("is told what changes: an order that is signed elsewhere shows it without being asked for", async () => {
    const { careplan, order_id } = await writtenPlan();
    const { body } = await api("assistant", "GET", `/api/orders/${order_id}`);
    const { mrn } = (body as { order: { patient: { mrn: string } } }).order.patient;
    const page = await open("pharmacist", `/orders?view=all&q=${mrn}`);
    await page.getByRole("row", { name: /To sign/ }).waitFor();
    // No answer to a search can bring it any more: only the stream is left.
    await page.waitForTimeout(2_500);
    await page.route((url) => url.pathname === "/api/orders", (route) => route.abort());
    await api("pharmacist", "POST", `/api/careplans/${careplan?.careplan_id ?? ""}/approve`, {});
    await page.getByRole("row", { name: /Signed/ }).waitFor();
  });

  test("draws a few dozen of five thousand orders, and scrolls to the last", async () => {
    const { body } = await api("assistant", "GET", "/api/orders?limit=1");
    const [sample] = (body as { items: object[] }).items;
    const items = Array.from({ length: 5_000 }, (_, n) => ({ ...sample, order_id: `0193${String(99_999 - n).padStart(8, "0")}` }));
    const prepare = (fresh: Page) =>
      fresh.route(
        (url) => url.pathname === "/api/orders",
        (route) => {
          const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
          const next_cursor = from + 100 < items.length ? String(from + 100) : null;
          return route.fulfill({ json: { items: items.slice(from, from + 100), next_cursor } });
        },
      );
    const page = await open("assistant", "/orders?view=all", { prepare });
    await page.getByText("100+ orders").waitFor();
    const table = page.getByRole("table");
    await expect
      .poll(
        async () => {
          await table.locator("[role=presentation]").evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));
          return page.getByText("5000 orders", { exact: true }).count();
        },
        { timeout: 100_000, interval: 20 },
      )
      .toBe(1);
    expect(await table.getByRole("row").count()).toBeLessThan(60);
  });
});

describe("a plan", () => {
  test("that was revised is compared with the version before, word by word", async () => {
    const { careplan, order_id } = await writtenPlan();
    const sections = careplan?.sections ?? { problem_list: [] };
    const [first, ...rest] = sections.problem_list;
    const revised = { ...sections, problem_list: [{ ...first, text: `${first?.text ?? ""} Watched closely.` }, ...rest] };
    const answer = await api("pharmacist", "POST", `/api/careplans/${careplan?.careplan_id ?? ""}/revisions`, { sections: revised, note: "closer" });
    expect(answer.status).toBe(201);
    const page = await open("pharmacist", `/orders/${order_id}`);
    await page.getByRole("link", { name: "Changes since version 1" }).click();
    await page.locator("ins", { hasText: "Watched closely." }).waitFor();
    await page.getByText("closer").waitFor();
    await expectAccessible(page, "two versions compared");
  });

  test("is downloaded as text, PDF and FHIR, under a name that says nothing of the patient", async () => {
    const { order_id } = await writtenPlan();
    const page = await open("pharmacist", `/orders/${order_id}`);
    for (const [format, begins] of [["Text", /DRAFT|CARE PLAN/i], ["PDF", /^%PDF-/], ["FHIR", /"resourceType"/]] as const) {
      await page.getByRole("button", { name: "Download" }).click();
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: format, exact: true }).click(),
      ]);
      expect(file.suggestedFilename()).toMatch(/^careplan-[0-9a-f-]+.*\.(txt|pdf|json)$/);
      expect(readFileSync(await file.path(), "latin1").slice(0, 400)).toMatch(begins);
    }
  });
});

test("a pharmacist signs one plan after another without going back to the list", async () => {
  await writtenPlan();
  const { order_id } = await writtenPlan();
  const page = await open("pharmacist", `/orders/${order_id}`);
  await page.getByRole("button", { name: /^Sign version/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Sign", exact: true }).click();
  await page.getByRole("link", { name: "Next to sign" }).click();
  await page.waitForURL((url) => !url.pathname.endsWith(order_id));
  await page.getByRole("button", { name: /^Sign version/ }).waitFor();
});

describe("an admin", () => {
  test("makes a partner's key that is shown once, and revokes it", async () => {
    const page = await open("admin", "/operations?view=access");
    const name = `till ${somebody().mrn}`;
    await page.getByLabel("Source", { exact: true }).fill("clinic");
    await page.getByLabel("Name (optional)").fill(name);
    await page.getByRole("button", { name: "Make a key" }).click();
    const secret = await page.getByRole("dialog").locator("code").textContent();
    expect(secret?.length).toBeGreaterThan(40);
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
    const row = page.getByRole("row", { name: new RegExp(name) });
    await row.getByRole("button", { name: /^Revoke/ }).click();
    await row.getByRole("button", { name: /^Really revoke/ }).click();
    await row.getByText("ended", { exact: true }).waitFor();
    expect(await page.getByText(secret ?? "").count()).toBe(0);
  });

  test("sees every service at work, and who looked at what", async () => {
    const { order_id } = await writtenPlan();
    const page = await open("admin", "/operations");
    for (const service of ["intake", "validation", "generator", "reporting", "notification"]) {
      await page.getByRole("row", { name: new RegExp(`^${service} Yes`) }).waitFor();
    }
    await page.getByRole("link", { name: "Audit" }).click();
    await page.getByLabel("About").fill(order_id);
    await page.getByRole("row", { name: /assistant/ }).first().waitFor();
  });
});

test("a partner tries a call with a demo key, from the page that describes it", async () => {
  const page = await open(null, "/partners");
  await page.getByLabel("Key", { exact: false }).first().fill(demoKey("clinic"));
  await page.getByRole("button", { name: "Try it: POST /api/orders", exact: true }).click();
  const place = page.getByRole("article").filter({ has: page.getByRole("heading", { name: "POST /api/orders", exact: true }) });
  await place.getByRole("textbox", { name: /^Body/ }).fill(JSON.stringify({ ...someOrder(), external_id: somebody().mrn }));
  await place.getByRole("button", { name: "Send" }).click();
  await place.getByText(/^202/).waitFor();
});

test("a pharmacist finds a draft in the list, reads and signs it by keyboard alone", async () => {
  const { order_id } = await writtenPlan();
  const { body } = await api("assistant", "GET", `/api/orders/${order_id}`);
  const { mrn, last_name } = (body as { order: { patient: { mrn: string; last_name: string } } }).order.patient;
  const page = await open("pharmacist", `/orders?q=${mrn}`);
  await page.getByRole("row", { name: `To sign ${last_name}` }).waitFor();
  await tabTo(page, new RegExp(last_name));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Problem list" }).waitFor();
  await tabTo(page, /^Sign version/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, /^Sign$/);
  await page.keyboard.press("Enter");
  await page.getByText("Signed", { exact: true }).waitFor();
});

test("an analyst sees figures over time and takes them home, and not one patient", async () => {
  const page = await open("analyst", "/reports?show=times");
  await page.getByRole("img", { name: /^Times on/ }).waitFor();
  await page.locator("label", { hasText: "Model cost" }).click();
  await page.getByRole("img", { name: /^Model cost on/ }).waitFor();
  expect(page.url()).toContain("show=cost");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "CSV of completed orders" }).click()]);
  expect(file.suggestedFilename()).toMatch(/\.csv$/);
  const table = readFileSync(await file.path(), "utf8");
  expect(table).toMatch(/^order_id,/);
  expect(table).not.toMatch(/Bell/);
  expect(await page.getByText("Bell").count()).toBe(0);
});

test("the server is restarted in the middle: nothing typed is lost, and it is one order", { timeout: 300_000 }, async () => {
  const patient = somebody();
  const page = await open("assistant", "/orders/new");
  await page.getByLabel("First name").fill(patient.first_name);
  await page.getByLabel("Last name").fill(patient.last_name);
  await page.getByLabel("MRN", { exact: true }).fill(patient.mrn);
  await page.getByLabel("Date of birth").fill("06/08/1979");
  await page.getByLabel("Provider name").fill("Dr. Jane Lee");
  await page.getByLabel("NPI").fill("1234567893");
  await page.getByLabel("Primary diagnosis").fill("G70.00");
  await page.getByRole("textbox", { name: "Medication", exact: true }).fill("IVIG");
  await page.getByLabel("Records as text").fill("Creatinine 0.78 mg/dL.");
  killServices();
  await page.getByRole("button", { name: "Submit order" }).click();
  await page.getByText("The order was not submitted").waitFor();
  expect(await page.getByLabel("Last name").inputValue()).toBe(patient.last_name);
  await expect
    .poll(
      () =>
        // Looked and clicked in one go: one click too many, and the next order's empty form takes the answer's place.
        page.evaluate(() => {
          const saying = (kind: string, text: string) =>
            [...document.querySelectorAll<HTMLElement>(kind)].find((found) => found.textContent.includes(text));
          if (saying("h1, h2, h3, h4", "Order accepted")) return true;
          saying("button:enabled", "Submit order")?.click(); // while an order is checked the button says so
          return false;
        }),
      { timeout: 90_000, interval: 1_500 },
    )
    .toBe(true);
  const { body } = await api("assistant", "GET", `/api/orders?q=${patient.mrn}`);
  await expect.poll(async () => ((await api("assistant", "GET", `/api/orders?q=${patient.mrn}`)).body as { items: [] }).items.length, { timeout: 60_000 }).toBe(1);
  expect((body as { items: [] }).items.length).toBeLessThanOrEqual(1);
});
