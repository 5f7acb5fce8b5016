import type { ComponentType } from "react";
import { Link, useSearchParams } from "react-router";
import { Page } from "@/shared/page";
import { t } from "@/texts";
import { Access } from "./access";
import { AuditTrail } from "./audit-trail";
import { DeadLetters } from "./dead-letters";
import { Deliveries } from "./deliveries";
import { Services } from "./services";
import { Submissions } from "./submissions";
import styles from "./operations-page.module.css";

const VIEWS = {
  services: Services,
  "dead-letters": DeadLetters,
  deliveries: Deliveries,
  submissions: Submissions,
  access: Access,
  audit: AuditTrail,
} satisfies Record<string, ComponentType>;

type View = keyof typeof VIEWS;
const isView = (name: string | null): name is View => name !== null && name in VIEWS;

/** What runs and what got stuck. The address names the view: at night one sends another a link. */
export default function OperationsPage() {
  const [params] = useSearchParams();
  const named = params.get("view");
  const view: View = isView(named) ? named : "services";
  const Shown = VIEWS[view];
  return (
    <Page title={t.operations.title} wide>
      <nav className={styles.views} aria-label={t.operations.views}>
        {(Object.keys(VIEWS) as View[]).map((name) => (
          <Link key={name} to={`/operations?view=${name}`} aria-current={name === view ? "page" : undefined}>
            {t.operations.view[name]}
          </Link>
        ))}
      </nav>
      <Shown />
    </Page>
  );
}
