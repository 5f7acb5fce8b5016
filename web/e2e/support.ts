import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

export const URL_ = process.env.WEB_URL ?? process.env.CAREPLAN_URL ?? "http://127.0.0.1:8080";
const HOME = process.env.CAREPLAN_HOME ?? "../var";

export type Role = "assistant" | "pharmacist" | "analyst" | "admin";
type Credentials = {
  staff: { username: Role; password: string; token: string }[];
  partners: { source: string; key: string }[];
};

const credentials = () => JSON.parse(readFileSync(`${HOME}/demo-credentials.json`, "utf8")) as Credentials;

/** What a partner's system would call with. */
export const demoKey = (source: string) => credentials().partners.find((partner) => partner.source === source)?.key ?? "";

const staff = (role: Role) => {
  const found = credentials().staff.find(({ username }) => username === role);
  if (!found) throw new Error(`demo-credentials.json has no ${role}`);
  return found;
};

export const passwordOf = (role: Role) => staff(role).password;

/** Debian's browser, or the one CHROMIUM names. */
export function openBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  if (!existsSync(executablePath)) throw new Error(`No browser at ${executablePath}: install chromium, or set CHROMIUM.`);
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export type Visit = { page: Page; context: BrowserContext; complaints: string[]; close: () => Promise<void> };
type Options = {
  scheme?: "light" | "dark";
  width?: number;
  height?: number;
  /** What is set up on the page before it is opened. */
  prepare?: ((page: Page) => Promise<unknown>) | undefined;
  /** An open one of the same role, whose cache a new tab shares. */
  context?: BrowserContext | undefined;
};

/** A role signs in once; who opens another window is the same session. */
const sessions = new Map<Role, Promise<BrowserContextState>>();
type BrowserContextState = Awaited<ReturnType<BrowserContext["storageState"]>>;

async function signedIn(browser: Browser, role: Role): Promise<BrowserContextState> {
  const context = await browser.newContext();
  const { password } = staff(role);
  const answer = await context.request.post(`${URL_}/api/session`, { data: { username: role, password } });
  if (!answer.ok()) throw new Error(`sign-in of ${role}: ${answer.status()}`);
  const state = await context.storageState();
  await context.close();
  return state;
}

function sessionOf(browser: Browser, role: Role): Promise<BrowserContextState> {
  const known = sessions.get(role) ?? signedIn(browser, role);
  sessions.set(role, known);
  return known;
}

async function contextOf(browser: Browser, role: Role | null, options: Options = {}): Promise<BrowserContext> {
  const { scheme = "light", width = 1366, height = 768 } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    reducedMotion: "reduce",
    ...(role && { storageState: await sessionOf(browser, role) }),
  });
  // Where everything else runs at the same time, a page may come late; it comes all the same.
  context.setDefaultTimeout(60_000);
  return context;
}

/** A window of somebody signed in. `complaints`: what broke the page's policy, failed in its code, or left the origin. */
export async function visit(browser: Browser, role: Role | null, path: string, options: Options = {}): Promise<Visit> {
  const context = options.context ?? (await contextOf(browser, role, options));
  const complaints: string[] = [];
  const page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(URL_) && !request.url().startsWith("blob:")) complaints.push(`outside: ${request.url()}`);
  });
  await options.prepare?.(page);
  await page.goto(URL_ + path);
  return { page, context, complaints, close: () => (options.context ? page.close() : context.close()) };
}

type Opened = { prepare?: Options["prepare"]; alone?: boolean };

/**
 * What each journey of a file begins and ends with: one browser, and no window that closes with a complaint. A role's
 * pages are tabs of one window, which has fetched the form before; `alone` is for what would harm the others.
 */
export function windows(): (role: Role | null, path: string, opened?: Opened) => Promise<Page> {
  let browser: Browser;
  const open: Visit[] = [];
  const shared = new Map<Role | null, Promise<BrowserContext>>();
  const windowOf = (role: Role | null) => {
    const context = shared.get(role) ?? contextOf(browser, role);
    shared.set(role, context);
    return context;
  };
  beforeAll(async () => void (browser = await openBrowser()));
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const { complaints, close } of open.splice(0)) {
      await close();
      expect(complaints).toEqual([]);
    }
  });
  return async (role, path, { prepare, alone = false } = {}) => {
    const made = await visit(browser, role, path, { prepare, context: alone ? undefined : await windowOf(role) });
    open.push(made);
    return made.page;
  };
}

/** Halfway from one colour to another nothing has the contrast that it has before and after. */
const hasComeToRest = () =>
  document.getAnimations().every(({ playState, effect }) => playState !== "running" || effect?.getComputedTiming().endTime === Infinity);

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Look = {
  /** The part of the page to look at, where the rest was seen before. */
  within?: string;
  /** Only what another colour scheme can change of a page that was seen whole. */
  coloursOnly?: boolean;
};

async function violations(page: Page, { within = "html", coloursOnly = false }: Look): Promise<string[]> {
  await page.waitForFunction(hasComeToRest);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  return page.evaluate(
    async ([within, coloursOnly]) => {
      const run = (window as unknown as { axe: typeof axe }).axe.run;
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const runOnly: axe.RunOnly = coloursOnly
        ? { type: "rule", values: ["color-contrast", "link-in-text-block"] }
        : { type: "tag", values: tags };
      const found = await run(within, { runOnly, resultTypes: ["violations"] });
      return found.violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 200)} ${node.failureSummary ?? ""}`).join(" | ")}`);
    },
    [within, coloursOnly] as const,
  );
}

/**
 * Nothing serious or critical, by axe's rules for WCAG 2.2 AA. What axe found while something on the page was still on
 * its way is looked at once more; what stays is a fault.
 */
export async function expectAccessible(page: Page, state: string, look: Look = {}): Promise<void> {
  await expect.poll(() => violations(page, look), { message: `axe on ${state}`, timeout: 60_000, interval: 500 }).toEqual([]);
}

/** By Tab alone to the link or button of that name. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  const where = () => page.evaluate(() => (document.activeElement?.matches("a, button") ? document.activeElement.textContent : ""));
  for (let keys = 0; !name.test(await where()); keys++) {
    expect(keys, `Tab comes to ${name.source}`).toBeLessThan(100);
    await page.keyboard.press("Tab");
  }
}

/** As when a PDF is pulled over from the desktop and let go. */
export async function dropPdf(page: Page, name: string, content: Buffer): Promise<void> {
  const file = await page.evaluateHandle(
    ({ name, content }) => {
      const pulled = new DataTransfer();
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      pulled.items.add(new File([bytes], name, { type: "application/pdf" }));
      return pulled;
    },
    { name, content: content.toString("base64") },
  );
  const field = page.getByLabel("Records as text");
  await field.dispatchEvent("dragover", { dataTransfer: file });
  await page.getByText("Drop the file to attach it").waitFor();
  await field.dispatchEvent("drop", { dataTransfer: file });
}

/** What others in a test need to have: calls with a token, past the page. */
export async function api(role: Role, method: string, path: string, body?: unknown): Promise<{ status: number; body: never }> {
  const answer = await fetch(URL_ + path, {
    method,
    headers: { Authorization: `Bearer ${staff(role).token}`, "Content-Type": "application/json", Prefer: "wait=30" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text ? JSON.parse(text) : null) as never };
}

let numbers = (Date.now() / 100) % 1_000_000;
const letters = (n: number) => String(Math.floor(n)).split("").map((digit) => "abcdefghij"[Number(digit)]).join("");

/** A fictional patient that no earlier run has used. */
export function somebody() {
  numbers = (numbers + 7) % 1_000_000;
  const mrn = String(Math.floor(numbers)).padStart(6, "0");
  return { first_name: "Ana", last_name: `Bell${letters(numbers)}`, mrn, date_of_birth: "1979-06-08" };
}

/** What a partner's own system sends, once well and once not. */
export async function partnersPost(): Promise<void> {
  const headers = { Authorization: `Bearer ${demoKey("clinic")}`, "Content-Type": "application/json" };
  for (const body of [readFileSync("../samples/clinic/adalimumab-ra.json", "utf8"), "{}"]) {
    await fetch(`${URL_}/api/intake/clinic`, { method: "POST", headers, body });
  }
}

export function someOrder(patient = somebody()) {
  return {
    patient: { ...patient, sex: "female", weight_kg: 72, allergies: ["None known to medications"] },
    provider: { name: "Dr. Jane Lee", npi: "1234567893" },
    primary_diagnosis: "G70.00",
    additional_diagnoses: ["I10"],
    medication: "IVIG",
    medication_history: ["Pyridostigmine 60 mg PO q6h PRN"],
    patient_records: RECORDS,
    order_date: "2026-02-05",
  };
}

export const RECORDS =
  "CLINIC NOTE (fictional)\nGeneralized myasthenia gravis, AChR antibody positive. FVC 2.9 L (82% predicted). " +
  "Creatinine 0.78 mg/dL, eGFR 96. IgA level normal. No history of thrombosis. IVIG 2 g/kg total divided over 5 days.";

/** One page of text, as a scanner's software writes it. */
export function pdf(text: string): Buffer {
  const lines = text.split("\n").map((line) => `(${line.replace(/[()\\]/g, "\\$&")}) Tj T*`);
  const stream = `BT /F1 11 Tf 14 TL 40 780 Td ${lines.join(" ")} ET`;
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ];
  let file = "%PDF-1.4\n";
  const places = objects.map((object, place) => {
    const at = file.length;
    file += `${place + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = places.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("");
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF`;
  return Buffer.from(file, "latin1");
}

/** Signing out ends the session that all of a role's windows share: the next window signs in anew. */
export const forgetSession = (role: Role) => void sessions.delete(role);

/** Kills the processes that serve, hard; the all-in-one starts them again. */
export function killServices(): void {
  const parent = readFileSync(`${HOME}/careplan.pid`, "utf8").trim();
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim().split(" ");
  const isService = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0local\0");
  for (const pid of children.filter(isService)) process.kill(Number(pid), "SIGKILL");
}
