import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { ApiError } from "@/api/call";
import { Callout } from "@/shared/callout";
import { errorText } from "@/shared/error-text";
import { useSignIn } from "@/shared/session";
import { t } from "@/texts";
import styles from "./sign-in.module.css";

/** `again`: the session ended while somebody was working. */
export function SignIn({ again }: { again: boolean }) {
  const signIn = useSignIn();
  const username = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = `${t.signIn.title} · ${t.app.name}`;
    username.current?.focus();
  }, []);

  function submit() {
    signIn.mutate(
      { username: username.current?.value.trim() ?? "", password: password.current?.value ?? "" },
      { onError: () => password.current?.select() },
    );
  }

  return (
    <div className={styles.place}>
      <form
        className={styles.card}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <h1>{t.signIn.title}</h1>
        {again && !signIn.isError && <Callout tone="info">{t.signIn.again}</Callout>}
        {signIn.isError && (
          <Callout tone="danger" urgent>
            {isRefused(signIn.error) ? t.signIn.wrong : errorText(signIn.error)}
          </Callout>
        )}
        <TextInput ref={username} label={t.signIn.username} autoComplete="username" autoCapitalize="none" required withAsterisk={false} />
        <PasswordInput ref={password} label={t.signIn.password} autoComplete="current-password" required withAsterisk={false} />
        <Button type="submit" loading={signIn.isPending} fullWidth>
          {t.signIn.submit}
        </Button>
        <p className={styles.hint}>{t.signIn.demo}</p>
        <Link to="/partners" className={styles.hint}>
          {t.signIn.partner}
        </Link>
      </form>
    </div>
  );
}

const isRefused = (error: Error) => error instanceof ApiError && (error.status === 401 || error.status === 400);
