import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { notebooks } from "./lib/runner/vitest/index.ts";

// Tests run on the sources; what a test starts as a process runs from dist (npm test builds first).
const conditions = ["source", "module", "node", "development"];

// The tutorial's checkpoints, where they lie beside the repository.
const mirror = fileURLToPath(new URL("../shared/data/uva-tutorial5", import.meta.url));

export default defineConfig({
  // The walkthroughs, a cell a test, with their own fast parameters; CONVBOOK_FULL=1 runs them whole.
  plugins: [notebooks({ include: ["notebooks/*.ipynb"], fast: process.env.CONVBOOK_FULL !== "1" })],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["lib/**/*.test.ts", "test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    env: process.env.CONVBOOK_MIRROR === undefined && existsSync(mirror) ? { CONVBOOK_MIRROR: mirror } : {},
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    reporters: process.env.CI ? ["default", ["json", { outputFile: "out/test-results.json" }]] : ["default"],
  },
});
