import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests run on the sources; what a test starts as a process runs from dist (npm test builds first).
  resolve: { conditions: ["source", "module", "node", "development"] },
  ssr: { resolve: { conditions: ["source", "module", "node", "development"] } },
  test: {
    include: ["lib/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
  },
});
