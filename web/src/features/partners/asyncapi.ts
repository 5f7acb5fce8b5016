import type { Schema } from "./openapi";

type Message = { $ref?: string; name?: string; title?: string; summary?: string; description?: string; payload?: Schema };
type Channel = {
  address?: string;
  description?: string;
  messages?: Record<string, Message>;
  "x-writer"?: string;
  "x-key"?: string;
};
export type AsyncApi = {
  info: { title: string; version: string; description?: string };
  channels: Record<string, Channel>;
  components?: { messages?: Record<string, Message>; schemas?: Record<string, Schema> };
};
