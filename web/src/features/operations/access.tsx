import { Button, Modal, NativeSelect, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState, type ReactNode, type SubmitEvent } from "react";
import { ApiError, faultsOf } from "@/api/call";
import { Badge } from "@/shared/badge";
import { Callout } from "@/shared/callout";
import { shownDay, shownMoment } from "@/shared/dates";
import { errorText } from "@/shared/error-text";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import {
  useAccounts,
  useChangeAccount,
  useCreateKey,
  useKeys,
  useRevokeKey,
  useRotateKey,
  useSignOutEverywhere,
} from "./operations";
import { Card, fail, Table } from "./table";
import styles from "./operations-page.module.css";

/** Who may call: partners' keys and staff tokens, and the accounts that sign in here. */
export function Access() {
  const [shownOnce, setShownOnce] = useState<string | null>(null);
  return (
    <>
      <Keys onKey={setShownOnce} />
      <AccountsCard />
      {shownOnce && <ShownOnce secret={shownOnce} onClose={() => setShownOnce(null)} />}
    </>
  );
}

/** The only moment at which a key can be read. */
function ShownOnce({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={t.operations.keyOnce} size="lg" closeButtonProps={{ "aria-label": t.operations.close }}>
      <p>{t.operations.keyOnceHint}</p>
      <code className={styles.secret}>{secret}</code>
      <div className={styles.asked}>
        <Button
          variant="default"
          onClick={() =>
            void navigator.clipboard.writeText(secret).then(() => notifications.show({ color: "teal", message: t.operations.copied }))
          }
        >
          {t.operations.copy}
        </Button>
        <Button onClick={onClose} data-autofocus>
          {t.operations.close}
        </Button>
      </div>
    </Modal>
  );
}

function Keys({ onKey }: { onKey: (key: string) => void }) {
  const { data, error, refetch } = useKeys();
  const rotate = useRotateKey();
  const revoke = useRevokeKey();
  const texts = t.operations.keyColumns;
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data?.items.length === 0) body = <Empty small title={t.operations.keysNone} />;
  else if (data) {
    body = (
      <Table head={Object.values(texts)}>
        {data.items.map((key) => (
          <tr key={key.id}>
            <th scope="row">
              {key.source ?? key.username}
              {key.name && <small>{key.name}</small>}
            </th>
            <td>{t.operations.keyKind[key.kind]}</td>
            <td>
              {shownDay(key.created_at.slice(0, 10))}
              <small>{key.created_by}</small>
            </td>
            <td>{shownDay(key.expires_at.slice(0, 10))}</td>
            <td>
              <Badge tone={key.live ? "ok" : "plain"}>{key.live ? t.operations.keyLive : t.operations.keyEnded}</Badge>
              {key.revoked_at && <small>{t.operations.revokedAt(shownMoment(key.revoked_at))}</small>}
            </td>
            <td>
              {key.live && (
                <span className={styles.tools}>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={t.operations.rotateOf(key.source ?? key.username ?? key.id)}
                    loading={rotate.isPending && rotate.variables === key.id}
                    onClick={() => rotate.mutate(key.id, { onSuccess: (made) => onKey(made.key), onError: fail })}
                  >
                    {t.operations.rotate}
                  </Button>
                  <TwiceButton
                    label={t.operations.revoke}
                    sure={t.operations.revokeSure}
                    name={t.operations.revokeOf(key.source ?? key.username ?? key.id)}
                    onSure={() => revoke.mutate(key.id, { onError: fail })}
                  />
                </span>
              )}
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <Card title={t.operations.keys} hint={t.operations.keysHint}>
      <NewKeyForm onKey={onKey} />
      {body}
    </Card>
  );
}

function NewKeyForm({ onKey }: { onKey: (key: string) => void }) {
  const create = useCreateKey();
  const [whose, setWhose] = useState<"source" | "username">("source");
  const faults = create.error instanceof ApiError ? faultsOf(create.error) : [];

  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const typed = new FormData(event.currentTarget);
    const text = (name: string) => (typed.get(name) as string).trim();
    create.mutate({ [whose]: text("who"), name: text("name"), days: Number(text("days")) }, { onSuccess: (made) => onKey(made.key) });
  }

  return (
    <form className={styles.form} onSubmit={submit} aria-label={t.operations.newKey}>
      <NativeSelect
        label={t.operations.keyFor}
        value={whose}
        onChange={(event) => setWhose(event.currentTarget.value as typeof whose)}
        data={[
          { value: "source", label: t.operations.keyKind.key },
          { value: "username", label: t.operations.keyKind.token },
        ]}
      />
      <TextInput name="who" label={whose === "source" ? t.operations.source : t.signIn.username} required withAsterisk={false} autoComplete="off" />
      <TextInput name="name" label={t.operations.keyName} autoComplete="off" />
      <TextInput name="days" label={t.operations.keyDays} defaultValue="365" inputMode="numeric" className={styles.narrow} />
      <Button type="submit" variant="default" loading={create.isPending}>
        {t.operations.newKey}
      </Button>
      {create.isError && (
        <Callout tone="danger" urgent level={3}>
          {faults.length > 0 ? faults.map(({ message }) => message).join(" ") : errorText(create.error)}
        </Callout>
      )}
    </form>
  );
}

function AccountsCard() {
  const { data, error, refetch } = useAccounts();
  const change = useChangeAccount();
  const signOut = useSignOutEverywhere();
  let body: ReactNode = <Loading />;
  if (error && !data) body = <Failed error={error} retry={() => refetch()} />;
  else if (data) {
    body = (
      <Table head={Object.values(t.operations.accountColumns)}>
        {data.items.map(({ username, roles, created_at, disabled_at }) => (
          <tr key={username}>
            <th scope="row">{username}</th>
            <td>{roles.map((role) => t.roles[role] ?? role).join(", ")}</td>
            <td>{shownDay(created_at.slice(0, 10))}</td>
            <td>
              <Badge tone={disabled_at ? "danger" : "ok"}>{disabled_at ? t.operations.accountOff : t.operations.accountOn}</Badge>
            </td>
            <td>
              <span className={styles.tools}>
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={t.operations.signOutOf(username)}
                  onClick={() =>
                    signOut.mutate(username, {
                      onSuccess: () => notifications.show({ color: "teal", message: t.operations.signedOut(username) }),
                      onError: fail,
                    })
                  }
                >
                  {t.operations.signOutAll}
                </Button>
                <TwiceButton
                  label={disabled_at ? t.operations.enable : t.operations.disable}
                  sure={t.operations.sure}
                  name={disabled_at ? t.operations.enableOf(username) : t.operations.disableOf(username)}
                  onSure={() => change.mutate({ username, disabled: !disabled_at }, { onError: fail })}
                />
              </span>
            </td>
          </tr>
        ))}
      </Table>
    );
  }
  return (
    <Card title={t.operations.accounts} hint={t.operations.accountsHint}>
      {body}
    </Card>
  );
}

type TwiceProps = { label: string; sure: string; name: string; onSure: () => void };

/** What cannot be taken back wants a second press, in the same place. */
function TwiceButton({ label, sure, name, onSure }: TwiceProps) {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <Button
      size="compact-sm"
      variant={isAsking ? "filled" : "default"}
      color={isAsking ? "red" : undefined}
      data-danger={isAsking || undefined}
      aria-label={isAsking ? `${sure} ${name}` : name}
      onBlur={() => setIsAsking(false)}
      onClick={() => {
        if (isAsking) onSure();
        setIsAsking(!isAsking);
      }}
    >
      {isAsking ? sure : label}
    </Button>
  );
}
