import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock } from "./lock.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
  path = join(folder, "x.lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A process id that no process has. */
const deadPid = 2 ** 22 + 12345;

it("is taken and given back", async () => {
  const lock = await acquireLock(path);
  expect(readdirSync(folder)).toEqual(["x.lock"]);
  expect(await lock.stillHeld()).toBe(true);
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

it("keeps many that want it at once apart", async () => {
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const lock = await acquireLock(path);
      inside++;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
      await lock.release();
    }),
  );
  expect(most).toBe(1);
});

it("is taken over from a dead process by exactly one", async () => {
  writeFileSync(path, JSON.stringify({ token: "t", pid: deadPid, host: hostname() }));
  let inside = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const lock = await acquireLock(path);
      expect(lock.uncertain).toBe(false);
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
      await lock.release();
    }),
  );
  expect(readdirSync(folder)).toEqual([]);
});

it.runIf(process.platform === "linux")(
  "is taken over when its process id belongs to another process by now",
  async () => {
    writeFileSync(path, JSON.stringify({ token: "t", pid: process.pid, host: hostname(), started: "1" }));
    await (await acquireLock(path, { timeoutMs: 2000 })).release();
  },
);

it("of another machine holds while its heart beats", async () => {
  writeFileSync(path, JSON.stringify({ token: "t", pid: 1, host: "elsewhere" }));
  const holders: unknown[] = [];
  await expect(acquireLock(path, { timeoutMs: 50, onWait: (holder) => holders.push(holder) })).rejects.toThrow(
    /was held by process 1 on elsewhere for 0 s/,
  );
  expect(holders).toEqual([{ token: "t", pid: 1, host: "elsewhere" }]);
  const longAgo = new Date(Date.now() - 600_000);
  utimesSync(path, longAgo, longAgo);
  const lock = await acquireLock(path);
  expect(lock.uncertain).toBe(true);
  await lock.release();
});

it("without content is taken over after a while", async () => {
  writeFileSync(path, "");
  await expect(acquireLock(path, { timeoutMs: 50 })).rejects.toThrow("was held by another process");
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(path, longAgo, longAgo);
  await (await acquireLock(path)).release();
});

it("can be given up waiting for", async () => {
  const lock = await acquireLock(path);
  const controller = new AbortController();
  const waiting = acquireLock(path, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  await lock.release();
});
