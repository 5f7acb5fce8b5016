import { ActionIcon, Button, Tooltip, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { NavLink, Outlet, useLocation, type To } from "react-router";
import type { WhoIAm } from "@/api/generated";
import { SignIn } from "@/features/sign-in/sign-in";
import { MoonIcon, SunIcon } from "@/shared/icons";
import { Failed, Loading } from "@/shared/states";
import { may, useSession, useSignOut, type Role } from "@/shared/session";
import { t } from "@/texts";
import styles from "./shell.module.css";

const LINKS: { to: To; text: string; roles: Role[] }[] = [
  { to: "/orders/new", text: t.app.newOrder, roles: ["assistant", "pharmacist"] },
  { to: "/orders", text: t.app.workList, roles: ["assistant", "pharmacist"] },
  { to: "/reports", text: t.app.reports, roles: ["analyst"] },
  { to: "/operations", text: t.app.operations, roles: ["admin"] },
];

/** Everything that stands around a page. Nobody signed in: the sign-in form stands in its place, at the same address. */
export function Shell({ open = false }: { open?: boolean }) {
  const session = useSession();
  const { pathname } = useLocation();
  // Once somebody was signed in, the next sign-in form says why it came back.
  const [wasIn, setWasIn] = useState(false);
  const name = session.data?.username;
  if (name && !wasIn) setWasIn(true);
  useEffect(() => {
    // Braces: newer browsers answer scrollTo with a promise, which is no way to clean up.
    window.scrollTo(0, 0);
  }, [pathname]);

  let body;
  if (open || session.data) body = <Suspense fallback={<Loading />}>{<Outlet />}</Suspense>;
  else if (session.isPending) body = <Loading />;
  else if (session.isError) body = <Failed error={session.error} retry={() => session.refetch()} />;
  else body = <SignIn again={wasIn} />;

  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        {t.app.skip}
      </a>
      <Header />
      <ConnectionBanner />
      <main id="main" tabIndex={-1} className={styles.main}>
        {body}
      </main>
    </div>
  );
}

function Header() {
  const { data: session } = useSession();
  const signOut = useSignOut();
  return (
    <header className={styles.header}>
      <NavLink to="/" className={styles.brand}>
        <img src="/favicon.svg" alt="" width="26" height="26" />
        <span>{t.app.name}</span>
      </NavLink>
      <nav aria-label={t.app.nav} className={styles.nav}>
        {LINKS.filter(({ roles }) => may(session, ...roles)).map(({ to, text }) => (
          <NavLink key={text} to={to} end>
            {text}
          </NavLink>
        ))}
        {(session?.roles.includes("admin") ?? false) && <NavLink to="/partners">{t.app.partners}</NavLink>}
      </nav>
      <div className={styles.right}>
        {session && (
          <span className={styles.who}>
            {signedIn(session)}
          </span>
        )}
        <SchemeSwitch />
        {session && (
          <Button variant="subtle" size="compact-sm" loading={signOut.isPending} onClick={() => signOut.mutate()}>
            {t.app.signOut}
          </Button>
        )}
      </div>
    </header>
  );
}

function SchemeSwitch() {
  // Without keepTransitions Mantine would inject a <style>, which the page's policy forbids.
  const { setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const isDark = useComputedColorScheme("light") === "dark";
  const label = isDark ? t.app.light : t.app.dark;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" aria-label={label} onClick={() => setColorScheme(isDark ? "light" : "dark")}>
        {isDark ? <SunIcon /> : <MoonIcon />}
      </ActionIcon>
    </Tooltip>
  );
}

const onlineChanges = (changed: () => void) => {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
};

function ConnectionBanner() {
  const queries = useQueryClient();
  const online = useSyncExternalStore(onlineChanges, () => navigator.onLine);
  useEffect(() => {
    if (online) void queries.invalidateQueries({ predicate: (query) => query.state.status === "error" });
  }, [online, queries]);
  return <div role="status">{!online && <div className={styles.offline}>{t.app.offline}</div>}</div>;
}

/** The roles beside the name, where the name does not say them. */
function signedIn({ username, roles }: WhoIAm): string {
  const others = roles.filter((role) => role !== username).map((role) => t.roles[role] ?? role);
  return others.length > 0 ? t.app.signedInAs(username, others.join(", ")) : username;
}
