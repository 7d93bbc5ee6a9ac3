import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { standing } from "./floors.ts";
import { findPythons } from "./peers.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

describe("PyTorch as the peer", () => {
  it("is asked for its version, each program that is named", () => {
    const [older, newer] = [program("older", "echo 1.13.0a0"), program("newer", "echo a warning; echo 2.6.0+debian")];
    expect(findPythons([older, newer])).toEqual([
      { program: older, version: "1.13.0a0" },
      { program: newer, version: "2.6.0" },
    ]);
  });

  it("is refused with the program and what it said, where it has no torch", () => {
    const without = program("without", "echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1");
    expect(() => findPythons([without])).toThrow(
      `--python=${without}: expected a Python that imports torch, got: ModuleNotFoundError: No module named 'torch'`,
    );
    const silent = program("silent", "exit 0");
    expect(() => findPythons([silent])).toThrow(
      `--python=${silent}: expected a Python that imports torch, got: exit status 0, ""`,
    );
    expect(() => findPythons([join(folder, "missing")])).toThrow(/--python=.*missing: expected .* got: .*ENOENT/);
  });

  it("is far enough behind, or not", () => {
    const goal = { floor: 1.3, aim: 1.7 };
    expect(standing(goal, 1.29)).toEqual({ floor: 1.3, aim: 1.7, met: "below" });
    expect(standing(goal, 1.3)).toEqual({ floor: 1.3, aim: 1.7, met: "floor" });
    expect(standing(goal, 1.7)).toEqual({ floor: 1.3, aim: 1.7, met: "aim" });
    expect(standing(goal, null)).toEqual({ floor: 1.3, aim: 1.7, met: null });
    expect(standing(undefined, 2)).toEqual({ floor: null, aim: null, met: null });
  });
});
