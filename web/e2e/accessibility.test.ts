import type { Page, Route } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { api, expectAccessible, partnersPost, somebody, someOrder, windows, type Look, type Role } from "./support";

let orderId = "";
let waitingId = "";
let rejectedId = "";
const open = windows();

const TABLET = { width: 820, height: 1180 };

/** In both colour schemes, and without anything that stands out of the window, on a tablet neither. */
async function expectFit(page: Page, state: string, look: Look = {}, inTheDark = look.within) {
  await expectAccessible(page, `${state}, light`, look);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("html[data-mantine-color-scheme=dark]").waitFor();
  await expectAccessible(page, `${state}, dark`, { ...(inTheDark && { within: inTheDark }), coloursOnly: true });
  for (const viewport of [page.viewportSize(), TABLET]) {
    if (viewport) await page.setViewportSize(viewport);
    // What floats over the page finds its new place a moment after the window has changed.
    await expect
      .poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth), {
        message: `${state} is wider than a window of ${viewport?.width ?? 0}`,
        timeout: 60_000,
      })
      .toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1366, height: 768 });
  await page.emulateMedia({ colorScheme: "light" });
  await page.locator("html[data-mantine-color-scheme=light]").waitFor();
}

beforeAll(async () => {
  await partnersPost();
  const patient = somebody();
  const order = someOrder(patient);
  const made = await api("assistant", "POST", "/api/orders", order);
  orderId = (made.body as { order_id: string }).order_id;
  const warned = await api("assistant", "POST", "/api/orders", { ...someOrder({ ...patient, first_name: "Anna" }), medication: "Stelara" });
  waitingId = (warned.body as { detail: { order_id: string } }).detail.order_id;
  const blocked = await api("assistant", "POST", "/api/orders", order);
  rejectedId = (blocked.body as { detail: { order_id: string } }).detail.order_id;
});

/** `inTheDark`: the part that stands for the whole in dark colours, where the rest is more of the same. */
type Place = [name: string, role: Role | null, path: () => string, heading: string, inTheDark?: string];

const PAGES: Place[] = [
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
  ["reports", "analyst", () => "/reports?from=2026-02-01&to=2026-02-28", "Orders by day"],
  ["reports, empty", "analyst", () => "/reports?from=1990-01-01&to=1990-01-02", "No orders in this period"],
  ["compare versions, one only", "pharmacist", () => `/orders/${orderId}/compare`, "There is one version only"],
  ["operations", "admin", () => "/operations", "Services"],
  ["dead letters", "admin", () => "/operations?view=dead-letters", "Dead letters"],
  ["notifications", "admin", () => "/operations?view=deliveries", "Notifications"],
  ["partners' posts", "admin", () => "/operations?view=submissions", "What partners sent"],
  ["keys and accounts", "admin", () => "/operations?view=access", "Accounts"],
  ["audit", "admin", () => "/operations?view=audit", "Audit"],
  ["partners", null, () => "/partners", "Events", "nav, main p, main section:first-of-type, #events"],
  ["forbidden", "analyst", () => "/orders/new", "Your role cannot open this page"],
  ["not found", "assistant", () => "/nowhere/at/all", "There is nothing at this address"],
];

test.each(PAGES)("%s", async (name, role, path, heading, inTheDark) => {
  const page = await open(role, path());
  await page.getByRole("heading", { name: heading, exact: true }).first().waitFor();
  await expectFit(page, name, {}, inTheDark);
});

const NEED_DATA: [name: string, role: Role | null, path: () => string][] = [
  ["work list", "pharmacist", () => "/orders?view=all"],
  ["order", "pharmacist", () => `/orders/${orderId}`],
  ["reports", "analyst", () => "/reports"],
  ["operations", "admin", () => "/operations?view=access"],
];
const isData = (url: URL) => url.pathname.startsWith("/api/") && url.pathname !== "/api/session";

describe("when the server does not answer well", () => {
  test.each(NEED_DATA)("%s says that it failed, and offers to try again", async (name, role, path) => {
    const body = { type: "error", code: "UNAVAILABLE", message: "Busy.", detail: {}, trace_id: "0af7651916cd43dd" };
    const failing = (route: Route) => route.fulfill({ status: 503, json: body });
    const page = await open(role, path(), { prepare: (fresh) => fresh.route(isData, failing) });
    await page.getByText("The service is busy").first().waitFor();
    await page.getByRole("button", { name: "Try again" }).first().waitFor();
    await expectFit(page, `${name}, failed`);
    await page.unroute(isData);
    const retry = page.getByRole("button", { name: "Try again" });
    while ((await retry.count()) > 0) await retry.first().click({ timeout: 5_000 }).catch(() => undefined);
    await page.getByText("This could not be loaded").first().waitFor({ state: "detached" });
  });

  test("a page that waits says so", async () => {
    const page = await open("pharmacist", "/orders?view=all", { prepare: (fresh) => fresh.route(isData, () => undefined) });
    await page.getByText("Loading…").waitFor();
    await expectFit(page, "loading");
    await page.getByText("This takes longer than usual").waitFor();
    await expectFit(page, "slow");
  });
});

test("open menus and dialogs", async () => {
  const page = await open("pharmacist", `/orders/${orderId}`);
  await page.locator("button[aria-pressed]").first().click();
  await page.getByRole("heading", { name: /^Evidence for/ }).waitFor();
  await expectFit(page, "evidence lit", { within: "main", coloursOnly: true });
  await page.getByRole("button", { name: "Download" }).click();
  await page.getByRole("button", { name: "Text", exact: true }).waitFor();
  await expectFit(page, "download menu", { within: "div:has(> button[aria-expanded=true])" });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: /Sign version/ }).click();
  await page.getByRole("dialog").waitFor();
  await expectFit(page, "signing", { within: "[role=dialog]" });
  await page.goto(new URL("/orders/new", page.url()).href);
  await page.getByLabel("Primary diagnosis").fill("myas");
  await page.getByRole("option", { name: /G70/ }).first().waitFor();
  await expectFit(page, "ICD-10 suggestions", { within: "[role=listbox], input[role=combobox]" });
});
