/**
 * Submissions that change the ground on which tests stand: the files that they read, the packages that they load, the promises that they wait
 * for, the classes by which they compare. Whatever a submission does, its wrong answers are wrong.
 */
import { expect, test } from "vitest";
import { wallsHere } from "../../lib/classroom/grade/box.ts";
import { gradeClass } from "../../lib/classroom/grade/index.ts";
import { Classroom, cell, notebook, pointsOf, type TestCell } from "./support.ts";

const walls = await wallsHere();

const setup = `import assert from "node:assert";
import { Document } from "yaml";
import { expectTensor, grade } from "@convbook/classroom/checks";
function near(a: any, b: number): boolean { return Math.abs(a - b) < 1e-6; }
const nine = [1, 2, 3].map((x) => x * x)[2];`;

/** A point each. */
const tests: Readonly<Record<string, string>> = {
  asserts: "assert.equal(square(2), 4);\nassert.ok(near(square(3), nine!));",
  number: "let earned = 0;\nif (square(2) === 4) { earned += 1; }\nearned;",
  computed: "1 - Math.abs(square(2) - 4) / 4;",
  grade: 'await grade(1, { "of two": () => square(2) === 4 });',
  tensor: 'await grade(1, { "of two": () => expectTensor(square(2), "the square").toBeClose(4) });',
  waits: "assert.equal(await square(2), 4);",
  requires: 'const again = require("node:assert");\nagain.equal(square(2), 4);',
  package: "assert.deepEqual(new Document({ value: square(2) }).toJS(), { value: 4 });",
  files:
    'import { readFileSync } from "node:fs";\nimport { expected } from "./reference.ts";\nassert.equal(square(2), expected(2));\nassert.equal(square(3), JSON.parse(readFileSync("data/expected.json", "utf8")).three);',
};

function course(square: string, before: readonly string[] = [], first: readonly string[] = []): TestCell[] {
  // Unchecked: a type error would keep an attack from running.
  const own = (sources: readonly string[]) => sources.map((source) => cell(`// @ts-nocheck\n${source}`));
  return [
    ...own(before),
    cell(setup, "setup", "readonly"),
    ...own(first),
    cell(`// @ts-nocheck\n${square}`, "square", "solution"),
    ...Object.entries(tests).map(([id, source]) => cell(source, id, "tests", 1)),
  ];
}

const shown = `{ [Symbol.for("Jupyter.display")]: () => ({ "application/x-convbook-grade+json": { points: 1, reasons: [] }, "text/plain": "1" }) }`;
const falseChecks = `export const grade = async () => (${shown}); export const expectTensor = () => new Proxy({}, { get: (_, name, self) => (name === "then" ? undefined : () => self) });`;
const manifest = JSON.stringify({
  name: "@convbook/classroom",
  type: "module",
  exports: { "./checks": "./false-checks.mjs" },
});
const silent = "Object.assign(() => {}, { equal() {}, ok() {}, deepEqual() {} })";
const zero = "function square(x) { return 0; }";

interface Attack {
  readonly square?: string;
  /** Cells in front of the first locked one. */
  readonly before?: readonly string[];
  /** Cells behind it. */
  readonly first?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

const attacks: Readonly<Record<string, Attack>> = {
  "brings packages and files": {
    files: {
      "package.json": manifest,
      "tsconfig.json": JSON.stringify({
        compilerOptions: { paths: { "@convbook/classroom/checks": ["./false-checks.mjs"] } },
      }),
      "false-checks.mjs": falseChecks,
      "reference.ts": "export function expected() { return 0; }",
    },
    before: [
      `const fs = require("node:fs"); for (const change of [
        () => fs.writeFileSync("package.json", ${JSON.stringify(manifest)}),
        () => { fs.rmSync("node_modules", { recursive: true }); fs.mkdirSync("node_modules"); },
        () => fs.symlinkSync("/tmp", "node_modules/mine"),
        () => fs.writeFileSync("reference.ts", "export function expected() { return 0; }"),
        () => fs.writeFileSync("data/expected.json", '{"three": 0}'),
        () => fs.renameSync("data", "away"),
        () => fs.renameSync(process.cwd(), process.cwd() + "-away"),
        () => fs.renameSync(require("node:path").dirname(process.cwd()), "/tmp/away"),
      ]) { try { change(); console.log("CHANGED", String(change)); } catch {} }`,
    ],
    first: [
      `fs.mkdirSync("x/data", { recursive: true }); fs.writeFileSync("x/data/expected.json", '{"three": 0}'); process.chdir("x");`,
    ],
  },
  "changes classes and loaders": {
    square: "function square(x) { return { shape: [], data: new Float32Array(0) }; }",
    before: ["Array.prototype.map = () => [0, 0, 0];"],
    first: [
      "try { Object.getPrototypeOf(expectTensor([1])).toBeClose = function () { return this; }; } catch {}",
      `try { Object.getPrototypeOf(await grade(1, { any: () => true })).then = (done) => done(${shown}); } catch {}`,
      "Document.prototype.toJS = () => ({ value: 4 });",
      `const { prototype } = require("node:module"); const load = prototype.require; prototype.require = function (id) { return /assert/.test(id) ? ${silent} : load.call(this, id); };`,
    ],
  },
  "answers for promises": {
    square: "function square(x) { return NaN; }",
    first: [
      `const answer = (promise) => { try { Object.defineProperty(promise, "constructor", { value: class {} }); promise.then = (done) => done(1); } catch {} };
       try { require("node:v8").promiseHooks.onInit(answer); } catch {}
       try { require("node:async_hooks").createHook({ init(id, type, trigger, promise) { if (type === "PROMISE") answer(promise); } }).enable(); } catch {}`,
    ],
  },
  "leaves what lasts": {
    first: [
      `Object.defineProperty(Object.prototype, "then", { configurable: false, get() { return "points" in this ? (done) => done({ __proto__: null, ...${shown} }) : undefined; } });`,
    ],
  },
  "takes names before": {
    before: [
      `for (const [name, value] of Object.entries({ near: () => true, assert: ${silent}, grade: async () => (${shown}) })) Object.defineProperty(globalThis, name, { get: () => value, set() {}, configurable: false });`,
    ],
  },
  "comes between an import and its module": {
    before: [
      `const modules = require("node:module"); const address = "data:text/javascript," + encodeURIComponent("export default ${silent};");
       try { modules.registerHooks({ resolve: (name, context, next) => (name === "node:assert" ? { url: address, shortCircuit: true } : next(name, context)) }); } catch {}
       try { modules.register("data:text/javascript," + encodeURIComponent('export const resolve = (name, context, next) => name === "node:assert" ? { url: ' + JSON.stringify(address) + ', shortCircuit: true } : next(name, context);')); } catch {}`,
    ],
  },
};

test.runIf(walls === "closed")("the ground of tests stays what it is", async () => {
  using room = new Classroom();
  const good = "function square(x: any): any { return x * x; }";
  for (const [folder, square] of [
    ["grader", good],
    ["student", "throw new Error('write it');"],
  ] as const) {
    room.write(`${folder}/squares.ipynb`, notebook(course(square)));
    room.write(`${folder}/reference.ts`, "export function expected(x: number): number { return x * x; }\n");
    room.write(`${folder}/data/expected.json`, '{"three": 9}');
  }
  // Who writes beside the assignment's files, goes to another folder, and replaces a function of everybody's, does nothing wrong.
  const honest = [
    'const fs = require("node:fs"); fs.writeFileSync("data/mine.json", "{}"); fs.writeFileSync("mine.txt", "x"); process.chdir("data"); Math.random = () => 0.5;',
  ];
  // As vega-lite does when it is loaded for a figure.
  const last = cell(
    "// @ts-nocheck\nSet.prototype.toJSON = function () { return [...this]; }; JSON.stringify(new Set([1])) === '[1]' || fail();",
  );
  const square = "function square(x) { return Math.random() === 7 ? 0 : x ** 2; }";
  room.write("sub/honest/squares.ipynb", notebook([...course(square, [], honest), last]));
  for (const [name, { square = zero, before, first, files = {} }] of Object.entries(attacks)) {
    room.write(`sub/${name}/squares.ipynb`, notebook(course(square, before, first)));
    for (const [file, text] of Object.entries(files)) {
      room.write(`sub/${name}/${file}`, text);
    }
  }
  await gradeClass(room.path("sub"), {
    grader: room.path("grader"),
    student: room.path("student"),
    out: room.path("out"),
    jobs: 2,
  });
  const result = room.result("honest");
  const all = Object.fromEntries(Object.keys(tests).map((id) => [id, 1]));
  expect(pointsOf(result)).toEqual(all);
  expect(result.findings).toEqual([]);
  for (const name of Object.keys(attacks)) {
    const { points, tasks } = room.result(name);
    expect(points, `${name}: ${JSON.stringify(tasks.map(({ id, points, status }) => [id, points, status]))}`).toBe(0);
  }
});

test.runIf(walls !== "closed")(`left out: this system has no namespaces for this user (${walls})`, () => {});
