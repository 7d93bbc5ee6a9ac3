import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../../dist/training/testing/full-disk-run.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-full-disk-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program that sees a file system of `size` in place of the folder, where a user may have such namespaces. */
function onSmallDisk(size: string, ...command: string[]) {
  const mount = `mount -t tmpfs -o size=${size} tmpfs "$0" && exec "$@"`;
  return spawnSync("unshare", ["-rm", "sh", "-c", mount, folder, ...command], { encoding: "utf8" });
}

const isPossible = onSmallDisk("64k", "true").status === 0;
if (!isPossible) {
  console.log(
    "Left out: training until the disk is full (needs Linux with user namespaces; files.test.ts tries it with ulimit).",
  );
}

describe.runIf(isPossible)("a disk that becomes full", () => {
  it("ends training with a typed error; what was saved before is whole and known", () => {
    if (!existsSync(script)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    const { stdout, stderr } = onSmallDisk("128k", process.execPath, script, folder);
    const line = stdout.split("\n").find((each) => each.startsWith("{"));
    expect(line, stderr).toBeDefined();
    const said = JSON.parse(line as string) as Record<string, string> & { files: string[]; step: number };
    expect(said).toMatchObject({ name: "SaveError", code: "ENOSPC" });
    expect(said.message).toBe(
      `The checkpoint ${said.path} could not be saved: the disk is full (ENOSPC). Checkpoints saved before are whole.`,
    );
    // It says so soon, not at the end of the 40 steps.
    expect(said.step).toBeLessThan(10);
    expect(said.files).toContain("last.safetensors");
    expect(said.files.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(said.files).toContain(basename(said.bestModelPath as string));
    expect(said.files).toContain(basename(said.lastModelPath as string));
  });

  it("ends training with a typed error too when it is the log that cannot be written", () => {
    const { stdout, stderr } = onSmallDisk("128k", process.execPath, script, folder, "logs");
    const line = stdout.split("\n").find((each) => each.startsWith("{"));
    expect(line, stderr).toBeDefined();
    const said = JSON.parse(line as string) as Record<string, string>;
    expect(said).toMatchObject({ name: "LogFileError", code: "ENOSPC" });
    expect(said.message).toBe(`The log ${said.path} could not be written: the disk is full (ENOSPC).`);
  });
});
