import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ReachedFiles } from "./reached.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "reached-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (file: string, text: string) => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
};
const reached = (source: string, javascript = false, at = new ReachedFiles(folder, javascript)) =>
  [...at.from(source).keys()].map((file) => relative(folder, file));

it("follows imports of types and values through circles and folders, each file once", () => {
  write("a.ts", 'import { b } from "./b.js"; import type { C } from "./c";');
  write("b.ts", 'export * from "./a"; export const later = () => import("./d");');
  write("c/index.ts", 'export { missing } from "../nowhere";');
  write("d.tsx", 'import "./a"; import "./types.d.ts"; import "./plain.js"; import "./data.json";');
  write("types.d.ts", 'import "./e";');
  write("plain.js", 'import "./e"');
  write("data.json", "{}");
  write("e.ts", "");
  symlinkSync("c", join(folder, "linked"));
  expect(reached('import "./linked"')).toEqual(["linked/index.ts"]);
  expect(reached('import "./a"')).toEqual(["a.ts", "b.ts", "c/index.ts", "d.tsx"]);
  expect(reached('import { a } from "./a"', true)).toEqual(["a.ts", "b.ts", "c/index.ts", "d.tsx", "plain.js", "e.ts"]);
});

it("goes into linked packages and names of package.json, never into installed ones", () => {
  write(
    "package.json",
    '{ "name": "me", "imports": { "#conf": { "types": "./conf.ts", "default": "./conf.js" } }, "exports": "./own.ts" }',
  );
  write("conf.ts", "");
  write("own.ts", "");
  write("packages/linked/package.json", '{ "name": "linked", "exports": { "./*": { "import": "./src/*.js" } } }');
  write("packages/linked/src/part.ts", 'import "./inner"; import "installed";');
  write("packages/linked/src/inner.ts", "");
  write(
    "packages/built/package.json",
    '{ "name": "built", "exports": { "types": "./index.d.ts", "default": "./src.ts" } }',
  );
  write("packages/built/index.d.ts", "");
  write("packages/built/src.ts", "");
  write("node_modules/installed/package.json", '{ "name": "installed", "main": "index.ts" }');
  write("node_modules/installed/index.ts", "");
  symlinkSync("../packages/linked", join(folder, "node_modules/linked"));
  symlinkSync("../packages/built", join(folder, "node_modules/built"));
  expect(
    reached(
      'import "linked/part"; import "installed"; import "#conf"; import "me"; import "built"; import "linked/none"',
    ),
  ).toEqual(["packages/linked/src/part.ts", "conf.ts", "own.ts", "packages/linked/src/inner.ts"]);
  write(
    "tsconfig.json",
    '{ "compilerOptions": { "customConditions": ["source"], "paths": { "~/*": ["./packages/built/*"] } } }',
  );
  write(
    "packages/built/package.json",
    '{ "name": "built", "exports": { "source": "./src.ts", "types": "./index.d.ts" } }',
  );
  expect(reached('import "built"; import "~/src"')).toEqual(["packages/built/src.ts"]);
});

it("reads a file anew once it changed, and none for a cell that imports none", () => {
  const files = new ReachedFiles(folder, false);
  write("a.ts", 'import "./b"');
  write("b.ts", "");
  write("c.ts", "");
  utimesSync(join(folder, "a.ts"), 1, 1);
  expect(reached('import "./a"', false, files)).toEqual(["a.ts", "b.ts"]);
  write("a.ts", 'import "./c"');
  expect(reached('import "./a"', false, files)).toEqual(["a.ts", "c.ts"]);
  expect(
    reached('import fs from "node:fs"; import "https://a.b/c"; const a = "./a"; require("./a")', false, files),
  ).toEqual([]);
});
