/** Debian's jupyter_kernel_test, the suite by which kernels are compared. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { debianPython, kernelspecFolder, pythonHas, root } from "./harness.ts";

describe.runIf(pythonHas("jupyter_kernel_test"))("jupyter_kernel_test", () => {
  it("passes", () => {
    const script = join(root, "test/conformance/jupyter_kernel_test_case.py");
    const { status, stderr } = spawnSync(debianPython(), [script, kernelspecFolder], {
      encoding: "utf8",
      timeout: 300_000,
    });
    expect(stderr).toMatch(/\nRan 1\d tests/);
    expect(stderr).not.toContain("skipped");
    expect(status, stderr).toBe(0);
  });
});
