/**
 * Twenty steps on two and three ranks against PyTorch's DistributedDataParallel: each rank's losses, and parameters and running statistics in the end.
 * The bounds are those of one process against PyTorch, in ../parity/training.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { readReference } from "../parity/reference.ts";
import { distanceOf, type Fixture, numbersOf, type Report, someOf } from "./data-parallel.ts";
import { launch, libraries } from "./launch.ts";

const url = new URL("./fixtures/data-parallel.json", import.meta.url);
const fixture = readReference<Fixture>(url);
const program = fileURLToPath(new URL("./programs/data-parallel.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-parity-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(libraries.slice(0, 1))("on $family", (library) => {
  it.each([2, 3])(
    "%i ranks train as PyTorch's do",
    async (size) => {
      const file = join(folder, `${size}`);
      const { code, stderr } = await launch(library, size, program, [fileURLToPath(url), file]);
      expect(code, stderr).toBe(0);
      const ranks = Array.from({ length: size }, (_, rank) => {
        const report: Record<string, Report> = JSON.parse(readFileSync(`${file}.${rank}`, "utf8"));
        return report;
      });
      const expected = Object.entries(fixture.ranks[size] ?? {});
      expect(expected).toHaveLength(18);
      for (const [title, { losses, state }] of expected) {
        const initial = fixture.initial[title.replace(/,.*/, "")] ?? {};
        for (const [rank, report] of ranks.entries()) {
          const own = report[title]?.losses ?? [];
          const wanted = losses[rank] ?? [];
          expect(own, title).toHaveLength(wanted.length);
          const distances = own.map((loss, i) => Math.abs(loss / (wanted[i] ?? Number.NaN) - 1));
          expect(Math.max(...distances), `${title}: losses of rank ${rank}`).toBeLessThan(1e-3);
          const found = report[title]?.state ?? {};
          // All ranks end with the same, running statistics too.
          expect(found, title).toEqual(ranks[0]?.[title]?.state);
          expect(Object.keys(found).toSorted()).toEqual(Object.keys(state).toSorted());
          for (const [name, values] of Object.entries(state)) {
            const start = someOf(numbersOf(initial[name]?.values ?? ""), 32);
            const distance = distanceOf(someOf(found[name] ?? [], 32), numbersOf(values), start);
            expect(distance, `${title}: ${name}`).toBeLessThanOrEqual(0.01);
          }
        }
      }
    },
    300_000,
  );
});
