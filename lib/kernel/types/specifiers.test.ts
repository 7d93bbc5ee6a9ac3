import { expect, it } from "vitest";
import { specifiersOf } from "./specifiers.ts";

it("reads every form of import and export", () => {
  expect(
    specifiersOf(`
import "./effect"; import a, { b } from './named';
import type { T } from "./types";
import {
  c,
} from "./lines";
export * from "./all"; export { d as e } from "./some";
const f = await import("./dynamic"), g = await import(/* why */ './commented');
import old = require("./old");
let t: import("./typeof").T;
import "./effect";
`),
  ).toEqual([
    "./effect",
    "./named",
    "./types",
    "./lines",
    "./all",
    "./some",
    "./dynamic",
    "./commented",
    "./old",
    "./typeof",
  ]);
});

it("reads nothing in comments, strings, templates and names that look alike", () => {
  expect(
    specifiersOf(`
// import "./a"
/* export * from "./b" */
const s = 'import "./c"', t = \`import "./d"\`, u = "from './e'";
Array.from("./f"); x.import("./g"); $import("./h"); const i = require("./i");
await import("./" + name);
`),
  ).toEqual([]);
});
