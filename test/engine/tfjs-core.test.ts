/** tfjs-core's own tests on the native backend: the same pass as on the CPU backend. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { engine } from "@convbook/engine";
import { describe, expect, it } from "vitest";
import "./support.ts";

const suite = fileURLToPath(new URL("tfjs-core-suite.mjs", import.meta.url));

describe.runIf(engine.available)("tfjs-core's own test suite", () => {
  it("fails nothing on the native backend that passes on the CPU backend", async () => {
    // Where a test fails, the command's error carries its name and message.
    const { stdout } = await promisify(execFile)(process.execPath, [suite]);
    const [, native, failed] = /^native: (\d+) specs, (\d+) failed/m.exec(stdout) ?? [];
    expect(Number(native)).toBeGreaterThan(4000);
    expect(failed).toBe("0");
  });
});
