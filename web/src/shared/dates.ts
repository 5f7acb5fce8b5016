import { locale, t } from "@/texts";

const ISO = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const AMERICAN = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/;
const DIGITS = /^(\d{2})(\d{2})(\d{4})$/;

/** What people type at the counter, as YYYY-MM-DD; null while it is no day of the calendar. */
export function isoDate(typed: string): string | null {
  const text = typed.trim();
  const iso = ISO.exec(text);
  if (iso) return calendarDay(iso[1], iso[2], iso[3]);
  const american = AMERICAN.exec(text) ?? DIGITS.exec(text);
  return american ? calendarDay(american[3], american[1], american[2]) : null;
}

function calendarDay(year = "", month = "", day = ""): string | null {
  const written = `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
  const read = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(written) ? written : null;
}

export function today(now = new Date()): string {
  return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}-${String(now.getDate()).padStart(2, "0")}`;
}

const dayOf = (date: Date) => date.toISOString().slice(0, 10);

export function daysBefore(day: string, days: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - days);
  return dayOf(date);
}

/** The calendar month of a day, or the one before it: its first and its last day. */
export function monthOf(day: string, before = 0): { from: string; to: string } {
  const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1 - before];
  return { from: dayOf(new Date(Date.UTC(year, month, 1))), to: dayOf(new Date(Date.UTC(year, month + 1, 0))) };
}

/** Full years on the day `on`. */
export function age(born: string, on: string): number {
  const years = Number(on.slice(0, 4)) - Number(born.slice(0, 4));
  return on.slice(5) < born.slice(5) ? years - 1 : years;
}

const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const momentFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const instantFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const clockFormat = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });

/** A day of the calendar: no time zone moves it. */
export function shownDay(iso: string): string {
  const date = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? iso : dayFormat.format(date);
}

export const shownMoment = (iso: string) => momentFormat.format(new Date(iso));
/** To the second: for what is laid beside a log. */
export const shownInstant = (iso: string) => instantFormat.format(new Date(iso));
export const shownClock = (moment: Date | string) => clockFormat.format(new Date(moment));

/** "3 min", "2 h", "4 days": how long somebody has been waiting. */
export function elapsed(since: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  if (seconds < 5) return t.time.now;
  if (seconds < 60) return t.time.seconds(seconds);
  if (seconds < 3600) return t.time.minutes(Math.floor(seconds / 60));
  if (seconds < 86_400) return t.time.hours(Math.floor(seconds / 3600));
  return t.time.days(Math.floor(seconds / 86_400));
}
