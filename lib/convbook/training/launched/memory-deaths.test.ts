import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { MemoryDeaths } from "./memory-deaths.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-deaths-"));
const path = join(folder, "vmstat");
afterAll(() => rmSync(folder, { recursive: true }));

it("tells of processes that were killed since, and of no others", () => {
  writeFileSync(path, "pgfault 12\noom_kill 3\nnuma_hit 4\n");
  const deaths = new MemoryDeaths(path);
  expect(deaths.words()).toBeUndefined();
  writeFileSync(path, "pgfault 12\noom_kill 4\nnuma_hit 4\n");
  expect(deaths.words()).toBe(
    `Meanwhile the kernel killed a process of this machine for lack of memory (oom_kill in ${path}). Smaller batches or fewer processes need less.`,
  );
  writeFileSync(path, "oom_kill 5\n");
  expect(deaths.words()).toContain("killed 2 processes");
});

it("tells nothing where the system does not count", () => {
  expect(new MemoryDeaths(join(folder, "none")).words()).toBeUndefined();
});
