import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api, expectAccessible, openBrowser, somebody, someOrder, visit, type Role } from "./support";

let browser: Browser;
let orderId = "";
let waitingId = "";
let rejectedId = "";

beforeAll(async () => {
  browser = await openBrowser();
  const patient = somebody();
  const order = someOrder(patient);
  const made = await api("assistant", "POST", "/api/orders", order);
  orderId = (made.body as { order_id: string }).order_id;
  const warned = await api("assistant", "POST", "/api/orders", { ...someOrder({ ...patient, first_name: "Anna" }), medication: "Stelara" });
  waitingId = (warned.body as { detail: { order_id: string } }).detail.order_id;
  const blocked = await api("assistant", "POST", "/api/orders", order);
  rejectedId = (blocked.body as { detail: { order_id: string } }).detail.order_id;
});
afterAll(() => browser.close());

const PAGES: [string, Role | null, () => string, string][] = [
  ["sign-in", null, () => "/", "Sign in"],
  ["new order", "assistant", () => "/orders/new", "New order"],
  ["work list, needs me", "pharmacist", () => "/orders", "Work list"],
  ["work list, all", "assistant", () => "/orders?view=all", "Work list"],
  ["work list, nothing found", "assistant", () => "/orders?view=all&q=nobodyhasthisname", "No order matches"],
  ["order with its plan", "pharmacist", () => `/orders/${orderId}`, "Problem list"],
  ["order to confirm", "assistant", () => `/orders/${waitingId}`, "This order waits for a decision"],
  ["order blocked", "assistant", () => `/orders/${rejectedId}`, "This order is blocked"],
  ["no such order", "assistant", () => "/orders/0193", "This could not be loaded"],
  ["revise", "pharmacist", () => `/orders/${orderId}/revise`, "Revise the care plan"],
  ["print", "assistant", () => `/orders/${orderId}/print`, "Your medicine"],
  ["reports", "analyst", () => "/reports", "Orders by day"],
  ["reports, empty", "analyst", () => "/reports?from=1990-01-01&to=1990-01-02", "No orders in this period"],
  ["operations", "admin", () => "/operations", "Dead letters"],
  ["partners", null, () => "/partners", "Events"],
  ["forbidden", "analyst", () => "/orders/new", "Your role cannot open this page"],
  ["not found", "assistant", () => "/nowhere/at/all", "There is nothing at this address"],
];

describe.each(["light", "dark"] as const)("in %s", (scheme) => {
  test.each(PAGES)("%s", async (name, role, path, heading) => {
    const { page, complaints, close } = await visit(browser, role, path(), { scheme });
    await page.getByRole("heading", { name: heading, exact: true }).first().waitFor();
    await expectAccessible(page, name);
    await close();
    expect(complaints).toEqual([]);
  });

  test("open menus and dialogs", async () => {
    const { page, complaints, close } = await visit(browser, "pharmacist", `/orders/${orderId}`, { scheme });
    await page.locator("button[aria-pressed]").first().click();
    await expectAccessible(page, "evidence lit");
    await page.getByRole("button", { name: "Download" }).click();
    await page.getByRole("button", { name: "Text", exact: true }).waitFor();
    await expectAccessible(page, "download menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /Sign version/ }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page, "signing");
    await page.goto(new URL("/orders/new", page.url()).href);
    await page.getByLabel("Primary diagnosis").fill("myas");
    await page.getByRole("option", { name: /G70/ }).first().waitFor();
    await expectAccessible(page, "ICD-10 suggestions");
    await close();
    expect(complaints).toEqual([]);
  });

  test("on a tablet, upright", async () => {
    const { page, close } = await visit(browser, "pharmacist", `/orders/${orderId}`, { scheme, width: 768, height: 1024 });
    await page.getByRole("heading", { name: "Problem list" }).waitFor();
    await expectAccessible(page, "order on a tablet");
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
    await close();
  });
});
