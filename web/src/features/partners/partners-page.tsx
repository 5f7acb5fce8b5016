import { Button, PasswordInput } from "@mantine/core";
import { useState } from "react";
import { Page } from "@/shared/page";
import { Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import type { AsyncApi } from "./asyncapi";
import { useAsyncApi, useOpenApi } from "./descriptions";
import { fieldsOf, operationsByTag, resolve, typeOf, type OpenApi, type Operation, type Schema } from "./openapi";
import { TryIt } from "./try-it";
import styles from "./partners-page.module.css";

export default function PartnersPage() {
  const { data: http, error, refetch } = useOpenApi();
  const { data: events } = useAsyncApi();
  const [apiKey, setApiKey] = useState("");
  if (error) return <Failed error={error} retry={() => refetch()} />;
  if (!http) return <Loading />;
  const tags = operationsByTag(http);
  return (
    <Page title={t.partners.title} wide>
      <div className={styles.columns}>
        <nav aria-label={t.partners.contents} className={styles.contents}>
          {tags.map(([tag, operations]) => (
            <div key={tag}>
              <b>{tag}</b>
              <ul>
                {operations.map(({ id, method, path }) => (
                  <li key={id}>
                    <a href={`#${id}`}>
                      <span className={styles.verb}>{method}</span> {path}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          ))}
          {events && (
            <a href="#events">
              <b>{t.partners.events}</b>
            </a>
          )}
        </nav>
        <div className={styles.main}>
          <p className={styles.intro}>
            {t.partners.intro} <a href="/openapi.json">{t.partners.raw.openapi}</a>, <a href="/asyncapi.yaml">{t.partners.raw.asyncapi}</a>
          </p>
          <PasswordInput
            className={styles.key}
            label={t.partners.key}
            description={t.partners.keyHint}
            autoComplete="off"
            value={apiKey}
            onChange={(event) => setApiKey(event.currentTarget.value)}
          />
          {tags.map(([tag, operations]) => (
            <section key={tag}>
              <h2>{tag}</h2>
              {operations.map((operation) => (
                <OperationView key={operation.id} document={http} operation={operation} apiKey={apiKey} />
              ))}
            </section>
          ))}
          {events ? <Events document={events} /> : <p>{t.partners.eventsNone}</p>}
        </div>
      </div>
    </Page>
  );
}

type OperationProps = { document: OpenApi; operation: Operation; apiKey: string };

function OperationView({ document, operation, apiKey }: OperationProps) {
  const [isTrying, setIsTrying] = useState(false);
  const { id, method, path, description, summary, parameters = [], requestBody, responses = {} } = operation;
  return (
    <article className={styles.operation} id={id} aria-labelledby={`${id}-title`}>
      <h3 id={`${id}-title`}>
        <span className={styles.verb} data-verb={method}>
          {method}
        </span>{" "}
        <code>{path}</code>
      </h3>
      <p>
        <Prose text={description ?? summary ?? ""} />
      </p>
      {parameters.length > 0 && (
        <>
          <h4>{t.partners.parameters}</h4>
          <dl className={styles.fields}>
            {parameters.map((one) => (
              <Field
                key={one.in + one.name}
                path={one.name}
                type={`${one.schema ? typeOf(document, one.schema) : "string"}, ${t.partners.in[one.in] ?? one.in}`}
                required={one.required ?? false}
                description={one.description ?? one.schema?.description ?? ""}
              />
            ))}
          </dl>
        </>
      )}
      {Object.entries(requestBody?.content ?? {}).map(([kind, { schema }]) => (
        <SchemaView key={kind} title={`${t.partners.body}: ${kind}`} document={document} schema={schema} />
      ))}
      <h4>{t.partners.responses}</h4>
      {Object.entries(responses).map(([status, given]) => {
        const response = resolve(document, given);
        const [kind, content] = Object.entries(response.content ?? {})[0] ?? [];
        const isGood = Number(status) < 400;
        const title = `**${status}** ${response.description ?? ""}${kind && isGood ? ` (${kind})` : ""}`;
        return content?.schema && isGood ? (
          <SchemaView key={status} title={title} document={document} schema={content.schema} />
        ) : (
          <p key={status} className={styles.answer}>
            <Prose text={title} />
          </p>
        );
      })}
      <Button
        size="compact-sm"
        variant="default"
        aria-expanded={isTrying}
        aria-label={`${t.partners.tryIt}: ${method} ${path}`}
        onClick={() => setIsTrying(!isTrying)}
      >
        {t.partners.tryIt}
      </Button>
      {isTrying && <TryIt document={document} operation={operation} apiKey={apiKey} />}
    </article>
  );
}

type SchemaProps = { title: string; document: object; schema: Schema | undefined };

function SchemaView({ title, document, schema }: SchemaProps) {
  const fields = schema ? fieldsOf(document, schema) : [];
  if (fields.length === 0) return <p className={styles.answer}><Prose text={title} /></p>;
  return (
    <details className={styles.schema}>
      <summary>
        <Prose text={title} />
      </summary>
      <dl className={styles.fields}>
        {fields.map((field) => (
          <Field key={field.path} {...field} />
        ))}
      </dl>
    </details>
  );
}

/** Descriptions write names as `code` and stress as **this**. */
const Prose = ({ text }: { text: string }) =>
  text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((piece, place) => {
    if (piece.startsWith("`")) return <code key={place}>{piece.slice(1, -1)}</code>;
    return piece.startsWith("**") ? <b key={place}>{piece.slice(2, -2)}</b> : piece;
  });

type FieldProps = { path: string; type: string; required: boolean; description: string };

const Field = ({ path, type, required, description }: FieldProps) => (
  <div>
    <dt>
      <code>{path}</code>
    </dt>
    <dd>
      <span className={styles.type}>{type}</span>
      {required && <b className={styles.required}> {t.partners.required}</b>}
      {description && (
        <p>
          <Prose text={description} />
        </p>
      )}
    </dd>
  </div>
);

function Events({ document }: { document: AsyncApi }) {
  return (
    <section id="events">
      <h2>{t.partners.events}</h2>
      {document.info.description && (
        <p className={styles.prose}>
          <Prose text={document.info.description} />
        </p>
      )}
      {Object.entries(document.channels).map(([name, channel]) => (
        <article key={name} className={styles.operation}>
          <h3>
            <code>{channel.address ?? name}</code>
          </h3>
          <p>
            <Prose text={channel.description ?? ""} /> {channel["x-key"] && t.partners.keyedBy(channel["x-key"])}
          </p>
          {Object.entries(channel.messages ?? {}).map(([event, given]) => {
            const message = resolve(document, given);
            const title = `${event}${message.summary ? `: ${message.summary}` : ""}`;
            return <SchemaView key={event} title={title} document={document} schema={message.payload} />;
          })}
        </article>
      ))}
    </section>
  );
}
