import { test } from "vitest";
import { expectAccessible, tabTo, windows } from "./support";

/** What went wrong in the system that tests/web/test_mending.py prepares: a plan that failed, a message nobody could read, a partner who was told. */
const FAILED_ORDER = process.env.FAILED_ORDER;

const open = windows();

test.runIf(FAILED_ORDER)("a pharmacist has a failed plan written again, and sees it come", async () => {
  const page = await open("pharmacist", `/orders/${FAILED_ORDER ?? ""}`);
  await page.getByRole("heading", { name: "The care plan could not be written" }).waitFor();
  await expectAccessible(page, "a failed order");
  await tabTo(page, /^Write the plan again/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Problem list" }).waitFor();
});

test.runIf(FAILED_ORDER)("an admin reads why a message was put aside, and has it handled again", async () => {
  const page = await open("admin", "/operations?view=dead-letters");
  const letters = page.getByRole("row", { name: /reporting .*careplan\./ });
  await letters.first().waitFor();
  await expectAccessible(page, "dead letters");
  await letters.first().getByRole("button", { name: /^Replay/ }).click();
  await letters.filter({ hasText: /replayed/ }).first().waitFor();
});

test.runIf(FAILED_ORDER)("an admin has a partner told again, by keyboard", async () => {
  const page = await open("admin", "/operations?view=deliveries");
  const told = page.getByRole("row", { name: /Delivered 1 / }).first();
  await told.waitFor();
  await expectAccessible(page, "deliveries");
  await tabTo(page, /^Send again/);
  await page.keyboard.press("Enter");
  await page.getByText("On its way again.").waitFor();
});
