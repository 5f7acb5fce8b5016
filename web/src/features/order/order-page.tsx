import { Button, Modal } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState, type ReactNode } from "react";
import { Link, useNavigate, useParams } from "react-router";
import type { OrderCarePlan, ShownOrder } from "@/api/generated";
import { StatusBadge } from "@/shared/badge";
import { Callout } from "@/shared/callout";
import { age, shownClock, shownDay, shownMoment, today } from "@/shared/dates";
import { errorText } from "@/shared/error-text";
import { FindingView } from "@/shared/findings/finding-view";
import type { Finding } from "@/shared/findings/findings";
import { WarningDialog } from "@/shared/findings/warning-dialog";
import { Page } from "@/shared/page";
import { useMay } from "@/shared/session";
import { Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { DownloadMenu } from "./download-menu";
import { EvidencePanel } from "./evidence-panel";
import { useNextToSign, useOrder, useVersions } from "./order";
import { PlanView, type Lit } from "./plan-view";
import { openGatesOf, useApprove, useRetry } from "./review";
import styles from "./order-page.module.css";

export default function OrderPage() {
  const { orderId = "" } = useParams();
  const { data: shown, error, refetch } = useOrder(orderId);
  if (shown) return <Shown key={orderId} shown={shown} />;
  if (error) return <Failed error={error} retry={() => refetch()} />;
  return <Loading />;
}

function Shown({ shown }: { shown: ShownOrder }) {
  const { order, careplan } = shown;
  const { patient } = order;
  const [lit, setLit] = useState<Lit | null>(null);
  const name = `${patient.first_name} ${patient.last_name}`;
  return (
    <div className={styles.page} data-plan={careplan ? true : undefined}>
      <Page
        title={t.order.title(name)}
        heading={
          <span className={styles.heading}>
            {name}
            <StatusBadge status={shown.status} review={careplan?.review} />
          </span>
        }
        wide
        actions={<Actions shown={shown} />}
      >
        <p className={styles.facts}>
          <b>{order.medication}</b>
          <span>{t.order.mrn(patient.mrn)}</span>
          <span>{t.order.born(shownDay(patient.date_of_birth), age(patient.date_of_birth, today()))}</span>
          <span>{order.provider.name}</span>
          <span>{t.order.ordered(shownDay(order.order_date))}</span>
          <span>{t.order.from(shown.source)}</span>
          <Timeline shown={shown} />
        </p>
        <State shown={shown} />
        <div className={styles.columns}>
          <div className={styles.plan}>
            {careplan ? (
              <>
                <PlanView plan={careplan} lit={lit} onLight={setLit} />
                <About orderId={shown.order_id} careplan={careplan} />
              </>
            ) : null}
          </div>
          <div className={styles.evidence}>
            <EvidencePanel order={order} citations={careplan?.citations ?? null} lit={lit} onLight={setLit} />
          </div>
        </div>
      </Page>
    </div>
  );
}

function Timeline({ shown }: { shown: ShownOrder }) {
  return (
    <span className={styles.timeline} role="list" aria-label={t.order.timeline}>
      {shown.timeline.map(({ status, at }, place) => (
        <span role="listitem" key={at + status} title={shownMoment(at)}>
          {t.status[status]} <time dateTime={at}>{place === 0 ? shownMoment(at) : shownClock(at)}</time>
        </span>
      ))}
    </span>
  );
}

/** What stands between the order and its plan, if anything does; and what was noticed on the way. */
function State({ shown }: { shown: ShownOrder }) {
  const { status, problems } = shown;
  const of = (type: Finding["type"]) => problems.filter((problem) => problem.type === type);
  const confirmed = of("warning").filter((problem) => problem.confirmed);
  const open = of("warning").filter((problem) => !problem.confirmed);
  const notices = of("notice");
  let state: ReactNode = null;
  if (status === "pending") state = <Waiting>{t.order.checking}</Waiting>;
  if (status === "processing") state = <Waiting>{t.order.writing}</Waiting>;
  if (status === "failed") {
    state = (
      <Callout tone="danger" title={t.order.failedTitle}>
        <p>{t.order.failedHint}</p>
      </Callout>
    );
  }
  if (status === "rejected") {
    state = (
      <Callout tone="danger" title={t.order.rejectedTitle}>
        {[...of("block"), ...open].map((finding) => (
          <FindingView key={finding.code} finding={finding} />
        ))}
        <p>{t.order.rejectedHint}</p>
      </Callout>
    );
  }
  if (status === "needs_confirmation") state = <ToConfirm orderId={shown.order_id} warnings={open} />;
  if (!state && confirmed.length + notices.length === 0) return null;
  return (
    <div className={styles.states}>
      {state}
      {confirmed.length + notices.length > 0 && (
        <details className={styles.notices}>
          <summary>
            {t.order.notices}: {[...confirmed, ...notices].map(({ code }) => t.warning.titles[code] ?? code).join("; ")}
          </summary>
          {[...confirmed, ...notices].map((finding) => (
            <FindingView key={finding.code} finding={finding} />
          ))}
        </details>
      )}
    </div>
  );
}

const Waiting = ({ children }: { children: string }) => (
  <div role="status">
    <Callout tone="info">{children}</Callout>
  </div>
);

function ToConfirm({ orderId, warnings }: { orderId: string; warnings: Finding[] }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Callout tone="warn" title={t.order.confirmTitle}>
      {warnings.map((finding) => (
        <FindingView key={finding.code} finding={finding} />
      ))}
      <Button onClick={() => setIsOpen(true)}>{t.order.confirm}</Button>
      {isOpen && (
        <WarningDialog
          orderId={orderId}
          warnings={warnings}
          onConfirmed={() => setIsOpen(false)}
          onBlocked={() => setIsOpen(false)}
          onBack={() => setIsOpen(false)}
        />
      )}
    </Callout>
  );
}

function Actions({ shown }: { shown: ShownOrder }) {
  const { careplan, order_id: orderId } = shown;
  const maySign = useMay("pharmacist");
  const retry = useRetry(orderId);
  if (shown.status === "failed" && maySign) {
    return (
      <Button
        loading={retry.isPending}
        onClick={() =>
          retry.mutate(undefined, {
            onSuccess: () => notifications.show({ message: t.order.retried }),
            onError: (error) => notifications.show({ color: "red", message: errorText(error) }),
          })
        }
      >
        {t.order.retry}
      </Button>
    );
  }
  if (!careplan) return null;
  return (
    <>
      {maySign && (careplan.review === "draft" ? <Approve orderId={orderId} careplan={careplan} /> : <NextToSign orderId={orderId} />)}
      {maySign && (
        <Button variant="default" component={Link} to={`/orders/${orderId}/revise`}>
          {t.order.revise}
        </Button>
      )}
      <DownloadMenu careplan={careplan} />
      <Button variant="default" component={Link} to={`/orders/${orderId}/print`}>
        {t.order.print}
      </Button>
    </>
  );
}

/** Who signs thirty in a row goes from one to the next. */
function NextToSign({ orderId }: { orderId: string }) {
  const next = useNextToSign(orderId);
  if (!next) return null;
  return (
    <Button component={Link} to={`/orders/${next}`}>
      {t.order.nextToSign}
    </Button>
  );
}

function Approve({ orderId, careplan }: { orderId: string; careplan: OrderCarePlan }) {
  const [isAsking, setIsAsking] = useState(false);
  const approve = useApprove(orderId);
  const navigate = useNavigate();
  const high = careplan.sections.problem_list.filter(({ severity }) => severity === "high").length;
  const gaps = careplan.gaps?.length ?? 0;

  function sign() {
    approve.mutate(
      { careplanId: careplan.careplan_id, version: careplan.version },
      {
        onSuccess: () => {
          setIsAsking(false);
          notifications.show({ color: "teal", message: t.order.approved(careplan.version) });
          void navigate(`/orders/${orderId}`, { replace: true });
        },
      },
    );
  }

  return (
    <>
      <Button onClick={() => setIsAsking(true)}>
        {t.order.approve} {careplan.version}
      </Button>
      <Modal
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={t.order.approveAsk(careplan.version)}
        closeButtonProps={{ "aria-label": t.order.cancel }}
      >
        <p>{t.order.approveHint}</p>
        {(high > 0 || gaps > 0) && (
          <ul>
            {high > 0 && <li>{t.order.approveHigh(high)}</li>}
            {gaps > 0 && <li>{t.order.approveGaps(gaps)}</li>}
          </ul>
        )}
        {approve.isError && (
          <Callout tone="danger" urgent>
            <NotSigned error={approve.error} />
          </Callout>
        )}
        <div className={styles.asked}>
          <Button variant="default" onClick={() => setIsAsking(false)}>
            {t.order.cancel}
          </Button>
          <Button onClick={sign} loading={approve.isPending} data-autofocus>
            {t.order.approveYes}
          </Button>
        </div>
      </Modal>
    </>
  );
}

/** Why the server refuses a signature: the gates that are open, each with where it stands in the plan. */
function NotSigned({ error }: { error: Error }) {
  const gates = openGatesOf(error);
  if (gates.length === 0) return <p>{errorText(error)}</p>;
  return (
    <>
      <p>{t.order.gatesOpen(gates.length)}</p>
      <ul>
        {gates.map(({ gate, where, message }) => (
          <li key={gate + where + message}>
            <b>{where}</b>: {message}
          </li>
        ))}
      </ul>
    </>
  );
}

/** Versions and who wrote them, below the plan. */
function About({ orderId, careplan }: { orderId: string; careplan: OrderCarePlan }) {
  const { data } = useVersions(careplan.careplan_id, careplan.version);
  const { provider, model } = careplan.produced_by;
  return (
    <section className={styles.about}>
      <h2>{t.order.versions}</h2>
      <ul>
        {data?.versions.toReversed().map((version) => (
          <li key={version.version}>
            <b>{t.order.version(version.version)}</b>, {shownMoment(version.created_at)}, {t.order.versionBy(version.created_by)}
            {version.note && <>: {version.note}</>}
            {version.approved_by && version.approved_at && (
              <> ({t.order.versionSigned(version.approved_by, shownMoment(version.approved_at))})</>
            )}
            {version.version > 1 && (
              <>
                {" "}
                <Link to={`/orders/${orderId}/compare?from=${version.version - 1}&to=${version.version}`}>
                  {t.compare.since(version.version - 1)}
                </Link>
              </>
            )}
          </li>
        ))}
      </ul>
      <p>{t.order.producedBy(provider, model)}</p>
      {careplan.handout && (
        <details>
          <summary>{t.order.handout}</summary>
          <p className={styles.handout}>{careplan.handout}</p>
        </details>
      )}
    </section>
  );
}
