import { Button } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";
import { createBrowserRouter, Link, Navigate, useRouteError } from "react-router";
import { may, useMay, useSession, type Role } from "@/shared/session";
import { Empty } from "@/shared/states";
import { t } from "@/texts";
import { Shell } from "./shell";

const staff: Role[] = ["assistant", "pharmacist"];

/** Each page is a file of its own, fetched when it is first opened. */
function page(load: () => Promise<{ default: ComponentType }>, roles?: Role[]) {
  return async () => {
    const { default: Found } = await load();
    return { Component: () => (roles ? <Only roles={roles}>{<Found />}</Only> : <Found />) };
  };
}

function Only({ roles, children }: { roles: Role[]; children: ReactNode }) {
  if (useMay(...roles)) return children;
  return <Empty title={t.states.forbidden} hint={t.states.forbiddenHint} />;
}

function Start() {
  const { data: session } = useSession();
  if (session?.roles.includes("admin")) return <Navigate to="/operations" replace />;
  if (may(session, "pharmacist")) return <Navigate to="/orders" replace />;
  if (may(session, "assistant")) return <Navigate to="/orders/new" replace />;
  return <Navigate to="/reports" replace />;
}

function NotFound() {
  return (
    <Empty title={t.states.notFound} hint={t.states.notFoundHint}>
      <Link to="/">{t.states.home}</Link>
    </Empty>
  );
}

function Broken() {
  console.error(useRouteError());
  return (
    <Empty title={t.states.broken} hint={t.states.brokenHint}>
      <Button onClick={() => location.reload()}>{t.states.reload}</Button>
    </Empty>
  );
}

export const createRouter = () =>
  createBrowserRouter([
    {
      element: <Shell open />,
      errorElement: <Broken />,
      hydrateFallbackElement: <></>,
      children: [{ path: "/partners", lazy: page(() => import("@/features/partners/partners-page")) }],
    },
    {
      element: <Shell />,
      errorElement: <Broken />,
      hydrateFallbackElement: <></>,
      children: [
        {
          errorElement: <Broken />,
          children: [
            { path: "/", element: <Start /> },
            { path: "/orders/new", lazy: page(() => import("@/features/new-order/new-order-page"), staff) },
            { path: "/orders", lazy: page(() => import("@/features/work-list/work-list-page"), staff) },
            { path: "/orders/:orderId", lazy: page(() => import("@/features/order/order-page"), staff) },
            { path: "/orders/:orderId/revise", lazy: page(() => import("@/features/revise/revise-page"), ["pharmacist"]) },
            { path: "/orders/:orderId/compare", lazy: page(() => import("@/features/compare/compare-page"), staff) },
            { path: "/orders/:orderId/print", lazy: page(() => import("@/features/order/print-page"), staff) },
            { path: "/reports", lazy: page(() => import("@/features/reports/reports-page"), ["analyst"]) },
            { path: "/operations", lazy: page(() => import("@/features/operations/operations-page"), ["admin"]) },
            { path: "*", element: <NotFound /> },
          ],
        },
      ],
    },
  ]);
