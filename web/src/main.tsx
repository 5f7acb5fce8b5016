import "@/theme/mantine.css";
import "@/theme/theme.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RouterProvider } from "react-router";
import { createQueries } from "@/app/queries";
import { createRouter } from "@/app/routes";
import { askWhoIAm } from "@/shared/session";
import { theme } from "@/theme/theme";

const queries = createQueries();
void askWhoIAm(queries);
const router = createRouter();
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

// The two switches keep Mantine from injecting <style> elements: its styles are files, as the page's policy asks.
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
        <Notifications position="bottom-left" autoClose={7_000} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
