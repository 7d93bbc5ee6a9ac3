/** A thousand steps over ranks keep as much memory as the first hundred, and a rank that waits leaves the processor to others. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launch, libraries } from "./launch.ts";

interface Report {
  readonly seen: readonly {
    readonly step: number;
    readonly tensors: number;
    readonly bytes: number;
    readonly rss: number;
  }[];
  readonly waits: { readonly promised: number; readonly held: number };
}

const program = fileURLToPath(new URL("./programs/steady.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-steady-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(libraries.slice(0, 1))("under $family", (library) => {
  let ranks: readonly Report[] = [];

  beforeAll(async () => {
    const file = join(folder, library.family);
    const { code, stderr } = await launch(library, 2, program, [file]);
    expect(code, stderr).toBe(0);
    ranks = [0, 1].map((rank) => JSON.parse(readFileSync(`${file}.${rank}`, "utf8")));
  }, 300_000);

  it("tensors and their bytes stay the same, and so does the process but for its collector's leisure", () => {
    for (const { seen } of ranks) {
      expect(seen).toHaveLength(10);
      for (const { step, tensors, bytes } of seen) {
        expect([tensors, bytes], `after ${step} batches`).toEqual([seen[0]?.tensors, seen[0]?.bytes]);
      }
      const rss = (i: number) => (seen.at(i)?.rss ?? Number.NaN) / 2 ** 20;
      expect(rss(-1) - rss(4), JSON.stringify(seen)).toBeLessThan(24);
    }
  });

  it("a rank that waits for another sleeps, in promises and holding the event loop", () => {
    expect(ranks[0]?.waits.promised, "ms of a processor between two sleeps").toBeLessThan(1);
    expect(ranks[0]?.waits.held, "ms of a processor between two sleeps").toBeLessThan(1);
  });
});
