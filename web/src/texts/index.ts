import { en, type Texts } from "./en";

/** The one place that chooses a language. */
export const t: Texts = en;
export const locale = "en-US";
