import { defineConfig } from "vitest/config";
import { notebooks } from "./lib/runner/vitest/index.ts";

export default defineConfig({
  // The walkthroughs, a cell a test, with their own fast parameters; CONVBOOK_FULL=1 runs them whole.
  plugins: [notebooks({ include: ["notebooks/*.ipynb"], fast: process.env.CONVBOOK_FULL !== "1" })],
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
