import { Button, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import { t } from "@/texts";
import { addressOf, exampleOf, type OpenApi, type Operation } from "./openapi";
import styles from "./partners-page.module.css";

type Answer = { status: number; ms: number; text: string };
type Props = { document: OpenApi; operation: Operation; apiKey: string };

/** A real request to this server, with the key of the page or, without one, with the session. */
export function TryIt({ document, operation, apiKey }: Props) {
  const kinds = Object.keys(operation.requestBody?.content ?? {}).filter((kind) => kind !== "multipart/form-data");
  const [kind, setKind] = useState(kinds[0] ?? "");
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(() => exampleBody(document, operation, kinds[0] ?? ""));
  const [answer, setAnswer] = useState<Answer | "none" | null>(null);
  const [isSending, setIsSending] = useState(false);
  const parameters = (operation.parameters ?? []).filter((one) => one.in !== "cookie");
  const address = addressOf(operation, values);

  async function send() {
    if (!address) return;
    setIsSending(true);
    const headers = new Headers();
    if (apiKey.trim()) headers.set("Authorization", `Bearer ${apiKey.trim()}`);
    if (kind) headers.set("Content-Type", kind);
    for (const { name } of parameters.filter((one) => one.in === "header")) {
      const value = values[name]?.trim();
      if (value) headers.set(name, value);
    }
    try {
      setAnswer(
        await timed(address, {
          method: operation.method,
          headers,
          ...(operation.method !== "GET" && kind && { body }),
          credentials: apiKey.trim() ? "omit" : "same-origin",
        }),
      );
    } catch {
      setAnswer("none");
    }
    setIsSending(false);
  }

  return (
    <div className={styles.try}>
      <p className={styles.note}>{t.partners.live}</p>
      <div className={styles.inputs}>
        {parameters.map(({ name, required, in: where }) => (
          <TextInput
            key={where + name}
            label={name}
            description={t.partners.in[where] ?? where}
            required={required}
            withAsterisk={required}
            autoComplete="off"
            onChange={(event) => {
              const { value } = event.currentTarget;
              setValues((before) => ({ ...before, [name]: value }));
            }}
          />
        ))}
        {kinds.length > 1 && (
          <NativeSelect
            label={t.partners.contentType}
            data={kinds}
            value={kind}
            onChange={(event) => {
              setKind(event.currentTarget.value);
              setBody(exampleBody(document, operation, event.currentTarget.value));
            }}
          />
        )}
      </div>
      {kind && (
        <Textarea
          label={`${t.partners.body} (${kind})`}
          rows={Math.min(16, body.split("\n").length + 1)}
          resize="vertical"
          spellCheck={false}
          value={body}
          onChange={(event) => setBody(event.currentTarget.value)}
        />
      )}
      <Button onClick={send} loading={isSending} disabled={!address}>
        {t.partners.send}
      </Button>
      {!address && <span className={styles.note}> {t.partners.needsParameters}</span>}
      <div aria-live="polite">
        {answer === "none" && <p>{t.partners.noAnswer}</p>}
        {answer && answer !== "none" && (
          <>
            <p data-status={answer.status < 400 ? "good" : "bad"} className={styles.status}>
              {t.partners.answer(answer.status, answer.ms)}
            </p>
            {answer.text && (
              <pre tabIndex={0} aria-label={t.partners.response}>
                {answer.text}
              </pre>
            )}
          </>
        )}
      </div>
    </div>
  );
}

async function timed(address: string, request: RequestInit): Promise<Answer> {
  const started = performance.now();
  const answer = await fetch(address, request);
  return { status: answer.status, ms: Math.round(performance.now() - started), text: pretty(await answer.text()) };
}

function exampleBody(document: OpenApi, operation: Operation, kind: string): string {
  const schema = operation.requestBody?.content?.[kind]?.schema;
  if (!schema || !kind.includes("json") || schema.format === "binary") return "";
  return JSON.stringify(exampleOf(document, schema), null, 2);
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
