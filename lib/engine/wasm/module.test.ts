/** The engine's module by itself, as a page without shared memory starts it: one thread, arrays copied for each call. */
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it, vi } from "vitest";
import { binaryOps } from "../native-numbers.ts";
import { startModule } from "./module.ts";
import { wasm } from "./webassembly.ts";

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

it("has the memory of tensors again that nobody has disposed of and nobody holds", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const { regions } = startModule(readFileSync(new URL("engine.wasm", import.meta.url)), { processors: 1 });
  const kept = regions.alloc(1 << 20);
  const offsets = new Set<number>();
  for (let i = 0; i < 64; i++) {
    // 64 MB each: 4 GB in all, where 2 are the most.
    offsets.add(regions.alloc(64 << 20).offset);
    collect();
    await setImmediate();
  }
  expect(offsets.size).toBeLessThan(32);
  expect(offsets).not.toContain(kept.offset);
  regions.drop(kept);
});

it("says that memory is exhausted wherever that is, and goes on when there is some again", () => {
  const { addon, regions } = startModule(readFileSync(new URL("engine.wasm", import.meta.url)), { processors: 1 });
  addon.configure(1);
  const floats = (length: number): Float32Array => {
    const { buffer, offset } = regions.alloc(4 * length);
    return new Float32Array(buffer, offset, length).fill(1);
  };
  const [x, w, y] = [floats(64 * 64 * 64), floats(3 * 3 * 64 * 64), floats(64 * 64 * 64)];
  const n = 256;
  const [a, c] = [floats(n * n), floats(n * n)];
  const shape = Int32Array.of(1, 64, 64, 64, 64, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1);
  const calls: Readonly<Record<string, () => void>> = {
    conv2d: () => addon.conv2d(shape, x, w, undefined, undefined, 0, y, false),
    conv2dInputGrad: () => addon.conv2dInputGrad(shape, y, w, x),
    conv2dFilterGrad: () => addon.conv2dFilterGrad(shape, x, y, w, undefined),
    gemm: () => addon.gemm(a, a, undefined, c, 1, n, n, n, true, false, false, false, 0, false),
    softmax: () => addon.softmax(a, c, n, n, false),
    copies: () => addon.fill(new Float32Array(1 << 16), 1, 1 << 16),
  };
  const taken: ReturnType<typeof regions.alloc>[] = [];
  for (let bytes = 1 << 28; bytes >= 64; ) {
    try {
      taken.push(regions.alloc(bytes));
    } catch {
      bytes /= 2;
    }
  }
  const answers = Object.entries(calls).map(([name, call]) => {
    try {
      call();
      return `${name}: done`;
    } catch (error) {
      return `${name}: ${error instanceof Error ? error.message : error}`;
    }
  });
  for (const block of taken) {
    regions.drop(block);
  }
  for (const call of Object.values(calls)) {
    call();
  }
  expect(answers).toEqual([
    "conv2d: The native engine is out of memory",
    "conv2dInputGrad: The native engine is out of memory",
    "conv2dFilterGrad: The native engine is out of memory",
    "gemm: The native engine is out of memory",
    "softmax: done",
    "copies: The native engine is out of memory",
  ]);
});

it("refuses more than there are addresses for", () => {
  const { addon, regions } = startModule(readFileSync(new URL("engine.wasm", import.meta.url)), { processors: 1 });
  addon.configure(1);
  for (const bytes of [2 ** 31, 2 ** 32, 2 ** 32 + 64, 5e9, 1e15]) {
    expect(() => regions.alloc(bytes)).toThrow(
      `The engine is out of memory: ${Math.round(bytes / 1e6)} MB more than the 2147 MB that it has; in WebAssembly there are 2147 MB at most`,
    );
  }
  // What is refused takes nothing away.
  regions.drop(regions.alloc(2 ** 30));
});

it("takes what memory there is to be had", () => {
  if (wasm === undefined) {
    throw new Error("there is no WebAssembly");
  }
  const { Memory } = wasm;
  const asked: string[] = [];
  // A runtime that gives a quarter of all addresses at most, as Safari does on phones.
  class Scant extends Memory {
    constructor(limits: ConstructorParameters<typeof Memory>[0]) {
      asked.push(`${limits.shared ? "shared" : "own"} ${limits.maximum}`);
      if (limits.maximum > 16_384) {
        throw new RangeError("WebAssembly.Memory(): could not allocate memory");
      }
      super(limits);
    }
  }
  Reflect.set(wasm, "Memory", Scant);
  try {
    const bytes = readFileSync(new URL("engine.wasm", import.meta.url));
    for (const host of [{ processors: 1 }, { processors: 1, startWorker: () => undefined }]) {
      const { addon, regions } = startModule(bytes, host);
      addon.configure(1);
      expect(regions.limit).toBe(2 ** 30);
      expect(() => regions.alloc(2 ** 30)).toThrow("in WebAssembly there are 1074 MB at most");
    }
  } finally {
    Reflect.set(wasm, "Memory", Memory);
  }
  expect(asked).toEqual(["own 32768", "own 16384", "shared 65536", "shared 32768", "shared 16384"]);
});

it("says once why workers do not start, and does their work", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  let asked = 0;
  const { addon, regions } = startModule(readFileSync(new URL("engine.wasm", import.meta.url)), {
    processors: 4,
    startWorker() {
      asked++;
      throw new Error("Access to this API has been restricted");
    },
  });
  const places: number[] = [];
  for (let i = 0; i < 20; i++) {
    addon.configure(3 + (i % 2));
    const block = regions.alloc(1 << 20);
    places.push(block.offset);
    const y = new Float32Array(block.buffer, block.offset, 1 << 18);
    addon.fill(y, i, y.length);
    expect(y.every((value) => value === i)).toBe(true);
    regions.drop(block);
  }
  expect(asked).toBe(50);
  // Stacks of workers that are not there are not kept: half a megabyte each.
  expect(Math.max(...places) - Math.min(...places)).toBeLessThan(4 << 20);
  expect(warn.mock.calls).toEqual([
    ["convbook engine: a thread of WebAssembly ended: Access to this API has been restricted"],
  ]);
  warn.mockRestore();
});
