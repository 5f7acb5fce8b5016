import { useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { FoundOrder, OrdersPage } from "@/api/generated";

const AGAIN = 5_000;
const GATHER = 1_000;

/** The page with what is known better; the same page where it holds none of these orders. */
export function replaced(page: OrdersPage, changed: Map<string, FoundOrder>): OrdersPage {
  if (!page.items.some(({ order_id }) => changed.has(order_id))) return page;
  return { ...page, items: page.items.map((order) => changed.get(order.order_id) ?? order) };
}

function showChanges(queries: QueryClient, orders: FoundOrder[]) {
  const changed = new Map(orders.map((order) => [order.order_id, order]));
  queries.setQueriesData<OrdersPage>({ queryKey: ["orders", "head"] }, (page) => page && replaced(page, changed));
  queries.setQueriesData<InfiniteData<OrdersPage>>(
    { queryKey: ["orders", "pages"] },
    (loaded) => loaded && { ...loaded, pages: loaded.pages.map((page) => replaced(page, changed)) },
  );
}

/**
 * One stream for the whole list: what is shown changes at once, and what came or went is asked for a moment later,
 * however much happens. A window that nobody looks at has no stream: a browser opens six at most. True while it stands.
 */
export function useLiveList(): boolean {
  const queries = useQueryClient();
  const [isLive, setIsLive] = useState(false);
  useEffect(() => {
    let events: EventSource | null = null;
    let again: ReturnType<typeof setTimeout> | undefined;
    let refresh: ReturnType<typeof setTimeout> | undefined;
    const lookSoon = () => {
      refresh ??= setTimeout(() => {
        refresh = undefined;
        void queries.invalidateQueries({ queryKey: ["orders", "head"] });
      }, GATHER);
    };

    function close() {
      clearTimeout(again);
      events?.close();
      events = null;
      setIsLive(false);
    }

    function open() {
      close();
      if (document.hidden) return;
      events = new EventSource("/api/orders/events");
      events.addEventListener("reload", () => {
        setIsLive(true);
        lookSoon();
      });
      events.addEventListener("orders", ({ data }: MessageEvent<string>) => {
        showChanges(queries, (JSON.parse(data) as { items: FoundOrder[] }).items);
        lookSoon();
      });
      events.addEventListener("error", () => {
        close();
        again = setTimeout(open, AGAIN);
      });
    }

    open();
    document.addEventListener("visibilitychange", open);
    return () => {
      document.removeEventListener("visibilitychange", open);
      clearTimeout(refresh);
      close();
    };
  }, [queries]);
  return isLive;
}
