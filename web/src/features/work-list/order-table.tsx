import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type KeyboardEvent } from "react";
import { Link } from "react-router";
import type { FoundOrder } from "@/api/generated";
import { StatusBadge } from "@/shared/badge";
import { elapsed, shownDay, shownMoment } from "@/shared/dates";
import { useNow } from "@/shared/use-now";
import { t } from "@/texts";
import styles from "./order-table.module.css";

export type Row = { kind: "order"; order: FoundOrder } | { kind: "group"; title: string; count: string };

type Props = { rows: Row[]; hasMore: boolean; isLoadingMore: boolean; loadMore: () => unknown };

const ROW = 52;
const GROUP = 36;

/** Only the rows in sight are in the page, of however many thousand. */
export function OrderTable({ rows, hasMore, isLoadingMore, loadMore }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow();
  // The virtualizer draws by itself on every scroll; a compiler must not keep its answers.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (place) => (rows[place]?.kind === "group" ? GROUP : ROW),
    getItemKey: (place) => {
      const row = rows[place];
      return row?.kind === "order" ? row.order.order_id : `group ${row?.title ?? place}`;
    },
    overscan: 12,
  });
  const seen = virtual.getVirtualItems();
  const last = seen.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= rows.length - 20) loadMore();
  }, [hasMore, isLoadingMore, last, rows.length, loadMore]);

  /** Up and down from one order to the next; the row comes into sight first, then the focus. */
  function onKeyDown(event: KeyboardEvent) {
    const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = Number((event.target as HTMLElement).dataset.place ?? Number.NaN);
    if (!steps || Number.isNaN(from)) return;
    event.preventDefault();
    let to = from + steps;
    while (rows[to]?.kind === "group") to += steps;
    if (!rows[to]) return;
    virtual.scrollToIndex(to);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`a[data-place="${to}"]`)?.focus());
  }

  return (
    <div className={styles.table} role="table" aria-label={t.workList.table} aria-rowcount={hasMore ? -1 : rows.length + 1} onKeyDown={onKeyDown}>
      <div role="rowgroup" className={styles.head}>
        <div role="row" aria-rowindex={1} className={styles.row}>
          {Object.entries(t.workList.columns).map(([name, title]) => (
            <div role="columnheader" key={name} data-column={name}>
              {title}
            </div>
          ))}
        </div>
      </div>
      <div ref={scroller} className={styles.scroller} role="presentation">
        <div role="rowgroup" className={styles.body} style={{ height: virtual.getTotalSize() }}>
          {seen.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const place = { transform: `translateY(${item.start}px)`, height: item.size };
            return row.kind === "group" ? (
              <div role="row" aria-rowindex={item.index + 2} key={item.key} className={styles.group} style={place}>
                <div role="cell" aria-colspan={6}>
                  {row.title} <span>{row.count}</span>
                </div>
              </div>
            ) : (
              <OrderRow key={item.key} order={row.order} index={item.index} now={now} style={place} />
            );
          })}
        </div>
        {isLoadingMore && <p className={styles.more}>{t.workList.more}</p>}
      </div>
    </div>
  );
}

type RowProps = { order: FoundOrder; index: number; now: number; style: React.CSSProperties };

function OrderRow({ order: found, index, now, style }: RowProps) {
  const { order } = found;
  const { patient } = order;
  return (
    <div role="row" aria-rowindex={index + 2} className={styles.row} style={style}>
      <div role="cell" data-column="status">
        <StatusBadge status={found.status} review={found.review} />
      </div>
      <div role="cell" data-column="patient">
        <Link to={`/orders/${found.order_id}`} data-place={index} className={styles.link}>
          {patient.last_name}, {patient.first_name}
        </Link>
        <small>
          {patient.mrn} · {t.workList.born(shownDay(patient.date_of_birth))}
        </small>
      </div>
      <div role="cell" data-column="medication">
        {order.medication}
        <small>{order.primary_diagnosis}</small>
      </div>
      <div role="cell" data-column="provider">
        {order.provider.name}
        <small>{found.source}</small>
      </div>
      <div role="cell" data-column="date">
        {shownDay(order.order_date)}
      </div>
      <div role="cell" data-column="age" title={shownMoment(found.submitted_at)}>
        {elapsed(found.submitted_at, now)}
      </div>
    </div>
  );
}
