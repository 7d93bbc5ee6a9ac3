/** Which declarations belong to a project, compared with the compiler's own list of a project's files. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ambientFiles } from "./ambient.ts";
import { findTypeScript } from "./find-typescript.ts";

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "ambient-")));
  const files = [
    "globals.d.ts",
    "env.ts",
    "src/a.ts",
    "src/a.d.mts",
    "src/deep/b.d.ts",
    "types/c.d.ts",
    "types/c.d.cts",
    "dist/out.d.ts",
    "node_modules/pkg/index.d.ts",
    "src/node_modules/other/index.d.ts",
    "shared/e.d.ts",
  ];
  for (const file of files) {
    write(file, "export {};");
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(file: string, text: string): string {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function listed(config: object): string[] {
  const path = write("listed.json", JSON.stringify(config));
  const { stdout } = spawnSync(findTypeScript(), ["-p", path, "--listFilesOnly"], { encoding: "utf8" });
  const own = stdout.split("\n").filter((file) => file.startsWith(folder) && /\.d\./.test(file));
  return own.map((file) => relative(folder, file)).sort();
}

const compilerOptions = { types: [], noEmit: true };

it.each<[string, object]>([
  ["of a project that lists nothing", {}],
  ["of a folder", { include: ["src"] }],
  ["of a pattern", { include: ["src/**/*"] }],
  ["of a pattern in one folder", { include: ["src/*", "./types/*"] }],
  ["of a pattern with an ending", { include: ["**/*.ts"] }],
  ["of another ending", { include: ["**/*.mts", "types/*.cts"] }],
  ["of any ending", { include: ["types/*.*"] }],
  ["of declarations alone", { include: ["globals.d.ts", "types/*.d.ts"] }],
  ["of what has none", { include: ["**/*.tsx", "env.ts"] }],
  ["of files", { files: ["env.ts", "types/c.d.ts"] }],
  ["of files and patterns", { files: ["types/c.d.ts"], include: ["src/deep"] }],
  ["without what is excluded", { exclude: ["src", "dist", "**/node_modules"] }],
  ["without what the compiler wrote", { compilerOptions: { outDir: "dist" } }],
  ["of what a base lists", { extends: "./bases/all.json" }],
  ["of a project that lists others than its base", { extends: "./bases/all.json", include: ["types"] }],
])("finds those %s", (_, config: { compilerOptions?: object }) => {
  write(
    "bases/all.json",
    JSON.stringify({ include: ["../shared", "$" + "{configDir}/types"], exclude: ["../types/*.cts"] }),
  );
  const whole = { ...config, compilerOptions: { ...compilerOptions, ...config.compilerOptions } };
  const expected = listed(whole);
  const { files, include, exclude } = ambientFiles(write("tsconfig.json", JSON.stringify(whole)));
  expect(listed({ compilerOptions, files, include, exclude })).toEqual(expected);
});

it("finds none without a project, or in one that cannot be read", () => {
  const none = { files: [], include: [], exclude: undefined };
  expect(ambientFiles(undefined)).toEqual(none);
});
