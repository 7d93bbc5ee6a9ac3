import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { compete, EndedEarly, type Entry } from "./contest.ts";
import { standing } from "./floors.ts";
import type { Options } from "./options.ts";
import { findPythons } from "./peers.ts";
import { allPeers } from "./process.ts";

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

  it("is left out of the kind of step that it ends at, and makes the others", async () => {
    const peer = program(
      "peer",
      'while read mode layout; do [ "$mode $layout" != "train default" ] || exit 1; echo 5; done',
    );
    const options = { pythons: [{ program: peer, version: "2.6.0" }], compiles: false, isa: "", keepsMemory: false };
    const entries = allPeers(options as unknown as Options, "ResNet", 1, 1);
    const told = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const times = await compete(entries, 2, { warmUp: 1 });
    expect(Object.fromEntries(times)).toEqual({
      "peer 2.6.0 channels_last train": [5, 5],
      "peer 2.6.0 default infer": [5, 5],
      "peer 2.6.0 channels_last infer": [5, 5],
    });
    expect(told.mock.calls).toEqual([
      ['PyTorch on ResNet ended early at "train default": left out of "train" as peer 2.6.0 default'],
    ]);
    told.mockRestore();
    // Ours may not end: that would be a fault to be seen.
    await expect(compete([{ ...entries[0], mayEnd: false } as Entry], 1)).rejects.toThrow(EndedEarly);
    entries[0]?.contestant.close();
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
