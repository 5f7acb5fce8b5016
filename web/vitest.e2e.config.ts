import { defineConfig } from "vitest/config";

/** Journeys: a real browser against a running system (CAREPLAN_URL, CAREPLAN_HOME). */
export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
});
