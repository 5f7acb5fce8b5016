import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { call } from "@/api/call";
import { getApiOrders, type FoundOrder } from "@/api/generated";
import { queryOf, withHead, type Filters } from "./filters";

const PAGE = 100;
/** How often the first page is asked for anew: hardly ever while the server tells what changes. */
const LIVE = 60_000;
const ALONE = 4_000;

const searchOrders = (query: Record<string, string>, cursor: string | null, signal: AbortSignal) =>
  call(getApiOrders({ query: { ...query, limit: PAGE, ...(cursor && { cursor }) }, signal }));

/** Pages as far as they were scrolled, under a first page that is kept up to date. */
export function useOrders(query: Record<string, string>, isLive: boolean, isWanted = true) {
  const pages = useInfiniteQuery({
    queryKey: ["orders", "pages", query],
    queryFn: ({ pageParam, signal }) => searchOrders(query, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    staleTime: Infinity,
    gcTime: 60_000,
    enabled: isWanted,
  });
  const head = useQuery({
    queryKey: ["orders", "head", query],
    queryFn: ({ signal }) => searchOrders(query, null, signal),
    // The first page was just asked for: it is not asked for twice.
    initialData: () => pages.data?.pages[0],
    initialDataUpdatedAt: pages.dataUpdatedAt,
    refetchInterval: isLive ? LIVE : ALONE,
    enabled: isWanted && pages.isSuccess,
  });
  const orders = useMemo(() => {
    const loaded = pages.data?.pages.flatMap((page) => page.items) ?? [];
    if (!head.data || pages.isPlaceholderData) return loaded;
    return withHead(loaded, head.data.items, head.data.next_cursor === null);
  }, [pages.data, pages.isPlaceholderData, head.data]);
  return {
    orders,
    isPending: isWanted && pages.isPending,
    error: pages.error,
    isStale: head.isError,
    hasMore: pages.hasNextPage,
    isLoadingMore: pages.isFetchingNextPage,
    loadMore: pages.fetchNextPage,
    refetch: pages.refetch,
  };
}

type List = ReturnType<typeof useOrders>;

/** What needs somebody: three lists, each asked for by its status. */
export function useNeeds(filters: Filters, maySign: boolean, isLive: boolean, isWanted: boolean): List & { orders: FoundOrder[] } {
  const query = queryOf({ ...filters, status: "" });
  const toConfirm = useOrders({ ...query, status: "needs_confirmation" }, isLive, isWanted);
  const failed = useOrders({ ...query, status: "failed" }, isLive, isWanted);
  const completed = useOrders({ ...query, status: "completed", review: "draft" }, isLive, isWanted && maySign);
  const lists = [toConfirm, failed, ...(maySign ? [completed] : [])];
  const next = lists.find((list) => list.hasMore);
  return {
    orders: lists.flatMap((list) => list.orders),
    isPending: lists.some((list) => list.isPending),
    error: lists.find((list) => list.error)?.error ?? null,
    isStale: lists.some((list) => list.isStale),
    hasMore: next !== undefined,
    isLoadingMore: lists.some((list) => list.isLoadingMore),
    loadMore: (next ?? toConfirm).loadMore,
    refetch: toConfirm.refetch,
  };
}
