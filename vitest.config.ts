import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { notebooks } from "./lib/runner/vitest/index.ts";

// Tests run on the sources; what a test starts as a process runs from dist (npm test builds first).
const conditions = ["source", "module", "node", "development"];

// The tutorial's checkpoints and a sample of CIFAR-100, where they lie beside the repository.
const beside = {
  CONVBOOK_MIRROR: fileURLToPath(new URL("../shared/data/uva-tutorial5", import.meta.url)),
  CONVBOOK_CIFAR100_SAMPLE: fileURLToPath(new URL("../shared/data/cifar100-sample", import.meta.url)),
};
const env = Object.entries(beside).filter(([name, folder]) => process.env[name] === undefined && existsSync(folder));

const full = process.env.CONVBOOK_FULL || "0";
if (full !== "0" && full !== "1") {
  throw new Error(`CONVBOOK_FULL is "${full}", expected 1 or 0`);
}

const outside = ["**/node_modules/**", "**/dist/**"];
/** Tests that replace modules by others (`vi.mock`): each has a process of its own. */
const replacing = ["lib/convbook/backend/select.test.ts", "lib/convbook/data/decode.test.ts"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    env: Object.fromEntries(env),
    // Only against what hangs: no test is judged by its time, on a machine as busy as may be.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: "forks",
    reporters: process.env.CI ? ["default", ["json", { outputFile: "out/test-results.json" }]] : ["default"],
    projects: [
      // Beside the code: they leave a process as they found it, so that one loads TensorFlow.js and the packages once for many files.
      {
        extends: true,
        // A process goes on with the next file only where that is one of these: they come first, in a group of their own.
        test: {
          name: "lib",
          include: ["lib/**/*.test.ts"],
          exclude: [...outside, ...replacing],
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        // The walkthroughs, a cell a test, with their own fast parameters; CONVBOOK_FULL=1 runs them whole.
        plugins: [notebooks({ include: ["notebooks/*.ipynb"], fast: full === "0" })],
        test: {
          name: "test",
          include: ["test/**/*.test.ts", "networks/**/*.test.ts", ...replacing],
          exclude: outside,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
