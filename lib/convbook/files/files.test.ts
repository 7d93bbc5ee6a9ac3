import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeFileAtomic } from "./atomic.ts";
import { compareCodePoints } from "./code-points.ts";
import { joinInside, resolveInside, unsafePathReason } from "./safe-path.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const writer = fileURLToPath(new URL("fixtures/writer.mjs", import.meta.url));

describe("writing atomically", () => {
  it("makes folders, takes text, bytes and pieces, and leaves nothing else", async () => {
    const path = join(folder, "a/b/c.txt");
    for (const content of ["text", Buffer.from("text"), [Buffer.from("te"), Buffer.alloc(0), Buffer.from("xt")]]) {
      await writeFileAtomic(path, content);
      expect(readFileSync(path, "utf8")).toBe("text");
    }
    await writeFileAtomic(path, []);
    expect(readFileSync(path)).toHaveLength(0);
    expect(readdirSync(join(folder, "a/b"))).toEqual(["c.txt"]);
  });

  it("takes thousands of pieces", async () => {
    const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.from([i & 255, i >> 8, 7]));
    await writeFileAtomic(join(folder, "x"), pieces);
    expect(readFileSync(join(folder, "x")).equals(Buffer.concat(pieces))).toBe(true);
  });

  it("keeps the old content when it fails", async () => {
    const path = join(folder, "x");
    await mkdir(join(path, "full"), { recursive: true });
    await expect(writeFileAtomic(path, "new")).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST|EPERM/);
    expect(readdirSync(folder)).toEqual(["x"]);
  });

  it("survives SIGKILL at any moment", async () => {
    const path = join(folder, "x");
    const bytes = 4_000_000;
    for (let round = 0; round < 12; round++) {
      const child = spawn(process.execPath, [writer, path, String(bytes), "10000"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await sleep(round * 3);
      child.kill("SIGKILL");
      await once(child, "close");
      const content = readFileSync(path);
      expect(content).toHaveLength(bytes);
      expect(content.every((byte) => byte === content[0])).toBe(true);
    }
    // What a killed process has left goes with the next write, what another machine's has left when it is old.
    const [young, old] = [".x.1.0123abcd01234567.tmp", ".x.1.0123abcd01234568.tmp"] as const;
    for (const name of [young, old]) {
      writeFileSync(join(folder, name), "");
    }
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(join(folder, old), longAgo, longAgo);
    await writeFileAtomic(path, "end");
    expect(readdirSync(folder)).toEqual([young, "x"]);
  });

  it("reports a full disk and keeps the old content", async () => {
    const path = join(folder, "x");
    writeFileSync(path, "old");
    // A limit on the size of files fails a write as a full disk does (EFBIG in place of ENOSPC).
    const child = spawn("bash", [
      "-c",
      'ulimit -f 100; exec "$0" "$@"',
      process.execPath,
      writer,
      path,
      "1000000",
      "1",
    ]);
    let said = "";
    child.stdout.on("data", (data) => {
      said += data;
    });
    await once(child, "close");
    expect(said).toBe("EFBIG\nbegun\n");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["x"]);
  });
});

describe("paths below a folder", () => {
  it.each(["a", "a/b.c", "é/☃", ".hidden/x", "a b"])("%j may be used", (path) => {
    expect(unsafePathReason(path)).toBeNull();
    expect(joinInside(folder, path)).toBe(join(folder, path));
  });

  it.each([
    ["", "it is empty"],
    ["..", 'it contains the segment ".."'],
    ["a/../../b", 'it contains the segment ".."'],
    ["./a", 'it contains the segment "."'],
    ["/a", "it is absolute"],
    ["a//b", "it has an empty segment"],
    ["a/", "it has an empty segment"],
    ["a\\b", "it contains a backslash"],
    ["C:/a", "it contains a colon"],
    ["a\u0000", "it contains a control character"],
    ["a/b. ", "a segment ends with a dot or a space"],
    ["a/com1.txt", '"com1.txt" is a device name on Windows'],
    [`${"a/".repeat(600)}b`, "it is longer than 1,024 characters"],
  ])("%j may not", (path, reason) => {
    expect(unsafePathReason(path)).toBe(reason);
    expect(() => joinInside(folder, path)).toThrow(reason);
  });

  it("are followed through links only within it", async () => {
    const inside = join(folder, "inside");
    await mkdir(inside);
    writeFileSync(join(folder, "secret"), "");
    writeFileSync(join(inside, "file"), "");
    symlinkSync("file", join(inside, "good"));
    symlinkSync("../secret", join(inside, "bad"));
    symlinkSync("..", join(inside, "up"));
    expect(existsSync(await resolveInside(inside, "good"))).toBe(true);
    await expect(resolveInside(inside, "bad")).rejects.toThrow("leads out of the folder");
    await expect(resolveInside(inside, "up/secret")).rejects.toThrow("leads out of the folder");
    await expect(resolveInside(inside, "none")).rejects.toThrow("ENOENT");
  });
});

describe("names in Python's order", () => {
  it("are compared by code points, not by UTF-16's halves", () => {
    // sorted() of Python 3 gives this order.
    const sorted = [
      "",
      "10",
      "9",
      "Z",
      "a",
      "a b",
      "a/b",
      "aa",
      "é",
      "\ud7ff",
      "\ue000",
      "ﬁ",
      "\uffff",
      "😀",
      "😀a",
      "😁",
      "\u{10ffff}",
    ];
    for (const [i, a] of sorted.entries()) {
      for (const [j, b] of sorted.entries()) {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(i - j));
      }
    }
    expect(["😀", "ﬁ"].toSorted()).toEqual(["😀", "ﬁ"]);
    expect(["😀", "ﬁ"].toSorted(compareCodePoints)).toEqual(["ﬁ", "😀"]);
  });
});
