import * as z from "zod/mini";
import type { Error as ErrorBody } from "@/api/generated";
import { client } from "@/api/generated/client.gen";

client.setConfig({ baseUrl: "" });

export type { ErrorBody };

const errorBody = z.object({
  type: z.enum(["validation", "block", "warning", "error"]),
  code: z.string(),
  message: z.string(),
  detail: z.record(z.string(), z.unknown()),
  trace_id: z.string(),
});

/** What the server (status 400 and up) or the way there (status 0) says instead of an answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
  ) {
    super(body.message);
  }

  get code(): string {
    return this.body.code;
  }

  /** Nothing is wrong with the request itself: asked again, it may succeed. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function apiError(status: number, body: unknown): ApiError {
  const read = errorBody.safeParse(body);
  if (read.success) return new ApiError(status, read.data);
  const code = status === 0 ? "OFFLINE" : "UNEXPECTED";
  return new ApiError(status, { type: "error", code, message: "", detail: {}, trace_id: "" });
}

type Result<T> = { data?: T; error?: unknown; response?: Response };

/** The answer, or an ApiError: one way to fail for every call. */
export async function call<T>(request: Promise<Result<T>>): Promise<T> {
  const { data, error, response } = await request;
  if (response?.ok) return data as T;
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw apiError(response?.status ?? 0, error);
}

export type Fault = { field: string; code: string; message: string };

const faults = z.object({ errors: z.array(z.object({ field: z.string(), code: z.string(), message: z.string() })) });

export function faultsOf(error: ApiError): Fault[] {
  const read = faults.safeParse(error.body.detail);
  return read.success ? read.data.errors : [];
}
