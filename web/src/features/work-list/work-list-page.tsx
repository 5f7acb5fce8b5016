import { Button, NativeSelect, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { useSearchParams } from "react-router";
import { Page } from "@/shared/page";
import { useMay } from "@/shared/session";
import { Empty, Failed, Loading } from "@/shared/states";
import { t } from "@/texts";
import { byNeed, isFiltered, queryOf, readFilters, STATUSES, writeFilters, type Filters } from "./filters";
import { OrderTable, type Row } from "./order-table";
import { useLiveList } from "./live-list";
import { useNeeds, useOrders } from "./search-orders";
import styles from "./work-list-page.module.css";

export default function WorkListPage() {
  const [params, setParams] = useSearchParams();
  const filters = useMemo(() => readFilters(params), [params]);
  const maySign = useMay("pharmacist");
  const isNeeds = filters.view === "needs";
  const isLive = useLiveList();
  const needs = useNeeds(filters, maySign, isLive, isNeeds);
  const all = useOrders(queryOf(filters), isLive, !isNeeds);
  const list = isNeeds ? needs : all;
  const rows = useMemo<Row[]>(
    () => (isNeeds ? withGroups(byNeed(needs.orders, maySign), needs.hasMore) : all.orders.map((order) => ({ kind: "order", order }))),
    [isNeeds, needs.orders, needs.hasMore, all.orders, maySign],
  );
  const set = (change: Partial<Filters>) => setParams(writeFilters({ ...filters, ...change }), { replace: true });
  const count = rows.filter((row) => row.kind === "order").length;

  let body: ReactNode;
  if (list.isPending) body = <Loading />;
  else if (list.error && count === 0) body = <Failed error={list.error} retry={() => list.refetch()} />;
  else if (count === 0 && !list.hasMore) {
    const [title, hint] = emptyText(isNeeds, isFiltered(filters));
    body = (
      <Empty title={title} hint={hint}>
        {isFiltered(filters) && <Reset onReset={() => setParams(writeFilters({ ...blank, view: filters.view }))} />}
      </Empty>
    );
  } else {
    body = <OrderTable rows={rows} hasMore={list.hasMore} isLoadingMore={list.isLoadingMore} loadMore={list.loadMore} />;
  }

  return (
    <div className={styles.page}>
      <Page
        title={t.workList.title}
        wide
        actions={
          <SegmentedControl
            aria-label={t.workList.views}
            value={filters.view}
            onChange={(view) => set({ view: view, status: "" })}
            data={[
              { value: "needs", label: t.workList.needs },
              { value: "all", label: t.workList.all },
            ]}
          />
        }
      >
        <FilterBar filters={filters} set={set} />
        <p className={styles.foot} role="status">
          {list.isStale ? <b>{t.workList.stale}</b> : <span className={styles.live}>{t.workList.live}</span>}
          <span>{t.workList.end(count, list.hasMore)}</span>
          <span className={styles.keys}>{t.workList.keys}</span>
        </p>
        <div className={styles.body}>{body}</div>
      </Page>
    </div>
  );
}

const blank: Filters = { view: "needs", q: "", status: "", medication: "", source: "", from: "", to: "" };

function withGroups(found: ReturnType<typeof byNeed>, hasMore: boolean): Row[] {
  return found.flatMap(({ order, need }, place): Row[] => {
    const isFirst = found[place - 1]?.need !== need;
    const size = isFirst ? found.filter((other) => other.need === need).length : 0;
    const row: Row = { kind: "order", order };
    const count = hasMore && need === "toSign" ? `${size}+` : String(size);
    return isFirst ? [{ kind: "group", title: t.workList[need], count }, row] : [row];
  });
}

function emptyText(isNeeds: boolean, filtered: boolean): [string, string] {
  if (filtered) return [t.workList.emptyFound, t.workList.emptyFoundHint];
  if (isNeeds) return [t.workList.emptyNeeds, t.workList.emptyNeedsHint];
  return [t.workList.emptyAll, t.workList.emptyAllHint];
}

const Reset = ({ onReset }: { onReset: () => void }) => (
  <Button variant="default" onClick={onReset}>
    {t.workList.reset}
  </Button>
);

/** The fields keep what is typed; the address follows a moment later. */
function FilterBar({ filters, set }: { filters: Filters; set: (change: Partial<Filters>) => void }) {
  const [version, setVersion] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const later = useDebouncedCallback((change: Partial<Filters>) => set(change), 250);
  const field = (name: keyof Filters) => ({
    defaultValue: filters[name],
    onChange: (event: { currentTarget: { value: string } }) => later({ [name]: event.currentTarget.value.trim() }),
  });
  return (
    <form
      key={version}
      ref={form}
      role="search"
      aria-label={t.workList.filters}
      className={styles.filters}
      onSubmit={(event) => event.preventDefault()}
    >
      <TextInput type="search" label={t.workList.search} placeholder={t.workList.searchHint} className={styles.search} {...field("q")} />
      {filters.view === "all" && (
        <NativeSelect
          label={t.workList.status}
          value={filters.status}
          onChange={(event) => set({ status: event.currentTarget.value as Filters["status"] })}
          data={[{ value: "", label: t.workList.anyStatus }, ...STATUSES.map((value) => ({ value, label: t.status[value] }))]}
        />
      )}
      <TextInput label={t.workList.medication} {...field("medication")} />
      <TextInput label={t.workList.source} {...field("source")} />
      <TextInput type="date" label={t.workList.from} {...field("from")} />
      <TextInput type="date" label={t.workList.to} {...field("to")} />
      {isFiltered(filters) && (
        <Reset
          onReset={() => {
            set({ ...blank, view: filters.view });
            setVersion(version + 1);
          }}
        />
      )}
    </form>
  );
}
