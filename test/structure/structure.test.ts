/** The check of how sources hang together finds what it is there to find. */
import { describe, expect, it } from "vitest";
import { brokenBoundaries, lostImports } from "./boundaries.ts";
import { circlesOf, forbiddenCircles } from "./cycles.ts";
import { type Import, readSources, type Source } from "./sources.ts";

type Given = readonly [specifier: string, file?: string, kind?: Import["kind"]];

function source(path: string, ...imports: readonly Given[]): Source {
  return {
    path,
    packageName: path.split("/")[1] ?? "",
    lines: 1,
    casts: 0,
    anys: 0,
    imports: imports.map(([specifier, file, kind = "value"]) => ({ specifier, file, kind })),
  };
}

describe("circles", () => {
  const a = source("lib/x/a.ts", ["./b.ts", "lib/x/b.ts"]);
  const b = source("lib/x/b.ts", ["./sub/c.ts", "lib/x/sub/c.ts", "type"]);
  const c = source("lib/x/sub/c.ts", ["../a.ts", "lib/x/a.ts"]);

  it("are found by what counts", () => {
    expect(circlesOf([a, b, c], () => true)).toEqual([["lib/x/a.ts", "lib/x/b.ts", "lib/x/sub/c.ts"]]);
    expect(circlesOf([a, b, c], (kind) => kind === "value")).toEqual([]);
  });

  it("by types are forbidden across folders alone, at run time everywhere", () => {
    expect(forbiddenCircles([a, b, c])).toEqual(["by types, across folders: lib/x/a.ts, lib/x/b.ts, lib/x/sub/c.ts"]);
    const e = (kind: Import["kind"]) => source("lib/x/e.ts", ["./d.ts", "lib/x/d.ts", kind]);
    expect(forbiddenCircles([source("lib/x/d.ts", ["./e.ts", "lib/x/e.ts", "type"]), e("value")])).toEqual([]);
    const d = source("lib/x/d.ts", ["./e.ts", "lib/x/e.ts"]);
    expect(forbiddenCircles([d, e("late")])).toEqual([]);
    expect(forbiddenCircles([d, e("value")])).toEqual(["at run time: lib/x/d.ts, lib/x/e.ts"]);
  });
});

it("boundaries are kept by files and by packages", () => {
  const sources = [
    source("lib/kernel/a.ts", ["convbook/nn"], ["node:fs"], ["./b.ts", "lib/kernel/b.ts"]),
    source("lib/convbook/nn/conv.ts", ["../training/trainer.ts", "lib/convbook/training/trainer.ts"]),
    source("lib/convbook/nn/functional/backend.ts", ["@convbook/engine"]),
  ];
  expect(brokenBoundaries(sources)).toEqual([
    "lib/kernel/a.ts imports convbook/nn, but the kernel runs any TypeScript",
    "lib/convbook/nn/conv.ts imports ../training/trainer.ts, but layers are used with or without a Trainer",
  ]);
});

it("no import leads where the rules cannot follow", () => {
  const sources = [
    source(
      "lib/kernel/a.ts",
      ["../convbook/nn/conv.js"],
      ["./b.ts", "lib/kernel/b.ts"],
      ["./tables.json"],
      ["node:fs"],
    ),
  ];
  expect(lostImports(sources)).toEqual([
    "lib/kernel/a.ts imports ../convbook/nn/conv.js, but none of our sources is called so; they end with .ts",
  ]);
});

it("our own sources are read", () => {
  const sources = readSources();
  const trainer = sources.find(({ path }) => path === "lib/convbook/training/trainer.ts");
  expect(trainer?.imports).toContainEqual({
    specifier: "./core/trainer-context.ts",
    file: "lib/convbook/training/core/trainer-context.ts",
    kind: "type",
  });
  expect(sources.reduce((sum, { casts }) => sum + casts, 0)).toBeGreaterThan(100);
});
