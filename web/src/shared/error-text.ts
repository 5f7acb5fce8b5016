import { ApiError } from "@/api/call";
import { t } from "@/texts";

const SPECIFIC = ["WRONG_STATE", "FORBIDDEN"];

/** Our own words for what we know; the server's where they say more, and for the rest. */
export function errorText(error: unknown): string {
  const unexpected = t.errors.UNEXPECTED ?? "";
  if (!(error instanceof ApiError)) return unexpected;
  const texts = [t.errors[error.code], error.message];
  if (SPECIFIC.includes(error.code)) texts.reverse();
  return texts.find(Boolean) ?? unexpected;
}
