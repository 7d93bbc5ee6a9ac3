/** The files in WebAssembly that lie in the repository are of the sources that lie beside them. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const names = ["engine.wasm", "engine-relaxed.wasm"];
const mostBytes = 1_500_000;

interface Recorded {
  readonly sources: string;
  readonly files: Readonly<Record<string, string>>;
  /** What was linked of libraries: archive(part.o). */
  readonly linked: readonly string[];
}

const recorded: Recorded = JSON.parse(readFileSync(join(root, "wasm", "sources.json"), "utf8"));
const { sourcesHash }: { sourcesHash(root: string): string } = await import(
  new URL("../install/wasm-sources.mjs", import.meta.url).href
);

function hash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

it("the files were built from these sources (else: npm run wasm -w lib/engine)", () => {
  expect(recorded.sources).toBe(sourcesHash(root));
});

it("the files are those that were built, and small", () => {
  const files = names.map((name) => readFileSync(join(root, "wasm", name)));
  expect(Object.fromEntries(names.map((name, i) => [name, hash(files[i] as Uint8Array)]))).toEqual(recorded.files);
  expect(files.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(mostBytes);
});

it("the notice beside them says whose the libraries' parts are, each of them", () => {
  const notice = readFileSync(join(root, "wasm", "NOTICE"), "utf8");
  const words = new Set(notice.slice(0, notice.indexOf("\nMIT\n")).split(/[\s,;:.]+/));
  const parts = recorded.linked.map((part) => /^(\S+)\((\S+)\.o\)$/.exec(part)?.slice(1) ?? [part, part]);
  expect(new Set(parts.map(([archive]) => archive))).toEqual(new Set(["libc++.a", "libc.a"]));
  const unsaid = parts.filter(([archive, name = ""]) => archive === "libc.a" && !words.has(name));
  expect(unsaid).toEqual([]);
  expect(parts.length).toBeGreaterThan(50);
});

it("building them again gives the same bytes", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-wasm-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "install", "wasm.mjs"), "--check", folder], {
      encoding: "utf8",
    });
    if (stderr.includes(" was not found (Debian 12: apt install ")) {
      console.log(`Left out: building the engine's WebAssembly again. ${stderr.trim()}`);
      context.skip();
    }
    expect([status, stderr]).toEqual([0, ""]);
    for (const name of names) {
      expect(hash(readFileSync(join(folder, name))), name).toBe(hash(readFileSync(join(root, "wasm", name))));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
