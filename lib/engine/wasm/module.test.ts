/** The engine's module by itself, as a page without shared memory starts it: one thread, arrays copied for each call. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { binaryOps } from "../native-numbers.ts";
import { startModule } from "./module.ts";

it("computes with one thread where memory cannot be shared", () => {
  const { addon } = startModule(readFileSync(new URL("engine.wasm", import.meta.url)), { processors: 4 });
  expect(addon.configure(0)).toBe("wasm");
  expect(addon.threads()).toBe(1);
  const [m, n, k] = [5, 19, 33];
  const a = Float32Array.from({ length: m * k }, (_, i) => (i % 13) - 6);
  const b = Float32Array.from({ length: k * n }, (_, i) => (i % 7) - 3);
  const c = new Float32Array(m * n);
  addon.gemm(a, b, undefined, c, 1, m, n, k, false, false, false, false, 0, false);
  const dot = (row: number, column: number) =>
    Array.from({ length: k }, (_, i) => Number(a[row * k + i]) * Number(b[i * n + column])).reduce((x, y) => x + y);
  // Whole numbers: exact.
  expect([...c]).toEqual(Array.from({ length: m * n }, (_, i) => dot(Math.floor(i / n), i % n)));
});

it("refuses a file that is none of its own", () => {
  expect(() => startModule(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), { processors: 1 })).toThrow(
    "the file has no shared memory",
  );
});

it("serves two programs, each with a memory of its own, in turns", () => {
  const bytes = readFileSync(new URL("engine.wasm", import.meta.url));
  const programs = [2, 3].map((value) => {
    const { addon, regions } = startModule(bytes, { processors: 1 });
    addon.configure(1);
    const { buffer, offset } = regions.alloc(4096);
    return { addon, regions, buffer, value, x: new Float32Array(buffer, offset, 1000).fill(value) };
  });
  expect(programs[0]?.buffer).not.toBe(programs[1]?.buffer);
  for (let round = 0; round < 5; round++) {
    for (const { addon, x } of programs) {
      addon.binary(binaryOps.indexOf("Multiply"), x, x, x, Int32Array.of(1, x.length, 1, 1));
    }
    for (const program of programs) {
      program.value **= 2;
      expect(new Set(program.x)).toEqual(new Set([Math.fround(program.value)]));
    }
  }
});
