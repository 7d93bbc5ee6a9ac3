/** Imports in cells: live, resolved where the checker resolves them, and with advice that works where they fail. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorOf, KernelUnderTest, pythonHas, resultOf, root, TestFolder } from "./harness.ts";

/** A project with a linked package of TypeScript, `paths`, `imports`, and packages as npm lays them out. */
const files: Record<string, string> = {
  "tsconfig.json": JSON.stringify({
    extends: "./base.json",
    compilerOptions: { strict: true, jsx: "react", paths: { "@lib/*": ["./lib/*"], "~": ["./root"] } },
  }),
  "base.json": '{ "compilerOptions": { "noImplicitAny": false } }',
  "package.json": JSON.stringify({ name: "project", type: "module", imports: { "#conf": "./conf/index.ts" } }),
  "conf/index.ts": 'export const conf: string = "of the folder";',
  "state.ts":
    "export let counter = 0; export function bump() { counter++ } export default function name() { return counter }",
  "again.ts": 'export { counter as count, bump } from "./state"; export * as all from "./state.js";',
  "lib/util.ts":
    "export const libv: number = 1; export function greet(n: string) { return 'hello ' + n } export type LibT = { a: number };",
  "root.ts": 'import { greet } from "@lib/util"; export default class Root { v = greet("root") }',
  "shows.ts": 'import { display } from "tslab"; export const kind = typeof display.html;',
  "data.json": '{ "hello": "json", "list": [1, 2] }',
  "node_modules/plain/package.json": '{ "name": "plain", "version": "3.2.1" }',
  "node_modules/plain/index.js": "exports.counter = 0;",
  "node_modules/plain/deep/part.js": 'exports.part = "part";',
  "node_modules/plain/deep/part.d.ts": "export declare const part: string;",
  "node_modules/moving/package.json":
    '{ "name": "moving", "type": "module", "exports": "./index.js", "types": "./index.d.ts" }',
  "node_modules/moving/index.js": "export let n = 0; export const up = () => { n++ };",
  "node_modules/moving/index.d.ts": "export declare let n: number; export declare const up: () => void;",
  "node_modules/react/package.json": '{ "name": "react", "version": "19.0.0", "types": "index.d.ts" }',
  "node_modules/react/index.js": "exports.createElement = (tag, props, ...children) => [tag, ...children];",
  "node_modules/react/index.d.ts":
    "export = React; declare namespace React { function createElement(...all: any[]): any } declare global { namespace JSX { interface IntrinsicElements { [name: string]: any } type Element = any } }",
  "packages/wsa/package.json": '{ "name": "@me/wsa", "type": "module", "exports": "./src/index.ts" }',
  "packages/wsa/src/index.ts":
    'import { twice } from "./inner"; export interface Ws { n: number } export enum Kind { A = 7 } export const wsa = (n: number): number => twice(n) + Kind.A;',
  "packages/wsa/src/inner/index.ts": "export const twice = (n: number) => 2 * n;",
};

describe.runIf(pythonHas("jupyter_client"))("imports", () => {
  let kernel: KernelUnderTest;
  let own: TestFolder;
  let folder = "";
  const write = (file: string, text: string) => own.write(file, text);
  beforeEach(async () => {
    own = new TestFolder(files);
    folder = own.path;
    mkdirSync(join(folder, "node_modules/@me"));
    symlinkSync("../../packages/wsa", join(folder, "node_modules/@me/wsa"));
    kernel = await KernelUnderTest.start({ folder });
  });
  afterEach(async () => {
    await kernel.close();
    own.remove();
  });

  const value = (code: string) => kernel.value(code);
  const failure = (code: string) => kernel.failure(code);

  it("are required where TypeScript says so, with the types of what is required", async () => {
    expect(await value('import part = require("plain/deep/part"); part.part.length')).toBe("4");
    expect(await value("part.part.toUpperCase()")).toBe("'PART'");
    expect((await failure("const n: number = part.part")).evalue).toContain("TS2322");
    expect((await failure('import gone = require("gone"); gone')).evalue).toContain("gone");
  });

  it("show what the module has now: named, renamed, default, namespace, re-exported", async () => {
    expect(await value('import { counter, bump } from "./state"; bump(); counter')).toBe("1");
    expect(await value('import * as ns from "./state"; ns.bump(); [ns.counter, counter]')).toBe("[ 2, 2 ]");
    expect(await value("(() => { bump(); return { counter } })()")).toBe("{ counter: 3 }");
    expect(await value('import now, { counter as mine } from "./state.ts"; bump(); [now(), mine]')).toBe("[ 4, 4 ]");
    expect(await value('import { count, all } from "./again"; bump(); [count, all.counter]')).toBe("[ 5, 5 ]");
    expect(await value('import { n, up } from "moving"; up(); up(); n')).toBe("2");
    expect(
      await value(
        'import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module"; import { readlinkSync } from "node:fs"; const { readlinkSync: kept } = fs; fs.readlinkSync = (() => "patched") as never; syncBuiltinESMExports(); const seen = readlinkSync("/"); fs.readlinkSync = kept; syncBuiltinESMExports(); seen',
      ),
    ).toBe("'patched'");
  });

  it("cannot be assigned, and may be declared anew", async () => {
    await value('import { counter } from "./state"; counter');
    expect((await failure("counter = 7")).evalue).toContain("TS2632");
    expect((await failure("%types off\ncounter = 7")).evalue).toBe(
      'Assignment to constant variable: counter is imported from "./state"',
    );
    expect((await failure('import { nope } from "./state"; nope')).evalue).toBe(
      "The module \"./state\" does not provide an export named 'nope'",
    );
    expect((await failure('import { fetch } from "./names.ts"; fetch = 1')).evalue).toContain("./names.ts");
    await value("%types error");
    expect(await value("const bump = 1; bump")).toBe("1");
    expect(await value('import { bump } from "./state"; typeof bump')).toBe("'function'");
  });

  it("follow a module that was edited, and names of Node's that a module has", async () => {
    write("names.ts", "export let performance = 1; export const next = () => { performance++ };");
    expect(
      await value(
        'import { performance, next } from "./names"; next(); const f = () => ({ performance }); [performance, f()]',
      ),
    ).toBe("[ 2, { performance: 2 } ]");
    expect(await value("next(); [performance, f()]")).toBe("[ 3, { performance: 3 } ]");
    expect(await value("((performance: number) => performance)(9)")).toBe("9");
    write("state.ts", "export let counter = 100; export function bump() { counter += 10 }");
    expect(await value('import { counter, bump } from "./state"; bump(); counter')).toBe("110");
  });

  it("lead where the checker says: paths, linked packages, imports of package.json, files without extensions", async () => {
    expect(
      await value(
        'import { greet, type LibT } from "@lib/util"; import Root from "~"; const l: LibT = { a: 1 }; [greet("p"), new Root().v, l.a]',
      ),
    ).toBe("[ 'hello p', 'hello root', 1 ]");
    expect(
      await value('import { wsa, Kind, type Ws } from "@me/wsa"; const w: Ws = { n: 1 }; [wsa(w.n), Kind.A]'),
    ).toBe("[ 9, 7 ]");
    expect(await value('// @convbook-types: off\nimport { kind } from "./shows"; kind')).toBe("'function'");
    expect(await value('import { conf } from "#conf"; conf')).toBe("'of the folder'");
    expect(await value('import { part } from "plain/deep/part"; part')).toBe("'part'");
    expect(
      await value(
        'import { greet as g1 } from "./lib/util"; import { greet as g2 } from "./lib/util.js"; import { greet as g3 } from "@lib/util"; [g1 === g2, g2 === g3]',
      ),
    ).toBe("[ true, true ]");
    expect((await failure('import { wsa } from "@me/wsa"; wsa("text")')).evalue).toContain("TS2345");
  });

  it("take JSON of the folder and of packages", async () => {
    expect(await value('import data, { hello } from "./data.json"; [data.list.length, hello]')).toBe("[ 2, 'json' ]");
    expect(await value('import again from "./data.json" with { type: "json" }; again === data')).toBe("true");
    expect(await value('import manifest from "plain/package.json" with { type: "json" }; manifest.version')).toBe(
      "'3.2.1'",
    );
  });

  it("bring JSX its React from an earlier cell", async () => {
    expect(await value('import * as React from "react"; 0')).toBe("0");
    expect(await value("<h1>Hello {1 + 1}</h1>")).toBe("[ 'h1', 'Hello ', 2 ]");
    expect(await value("function Comp() { return <b>x</b> }\nComp()")).toBe("[ 'b', 'x' ]");
  });

  it("become JavaScript as tsconfig.json says, in modules as in cells", async () => {
    write(
      "emit/tsconfig.json",
      '{ "compilerOptions": { "experimentalDecorators": true, "jsx": "react", "jsxFactory": "tag" } }',
    );
    write(
      "emit/shown.tsx",
      `const seen: string[] = [];
const note = (_: object, name: string) => { seen.push(name) };
export class A { @note method() {} }
declare global { namespace JSX { interface IntrinsicElements { b: object } } }
const tag = (name: string) => [name, ...seen];
export const shown = <b />;`,
    );
    const other = await KernelUnderTest.start({ folder: join(folder, "emit") });
    const results = [
      await other.execute('import { shown } from "./shown"; shown'),
      await other.execute('require("./shown").shown'),
    ];
    await other.close();
    expect(results.map((result) => errorOf(result) ?? resultOf(result))).toEqual([
      "[ 'b', 'method' ]",
      "[ 'b', 'method' ]",
    ]);
  });

  it("find a package that was installed after its import failed, with its types", async () => {
    const code = 'import { late } from "late-package"; const n: number = late; n';
    expect(await failure(code)).toMatchObject({
      ename: "ModuleNotFoundError",
      evalue: `Cannot find the package "late-package" from ${folder}. To install it: npm install late-package`,
    });
    expect((await failure('import "late-package"')).ename).toBe("ModuleNotFoundError");
    const pack = mkdtempSync(join(tmpdir(), "late-package-"));
    writeFileSync(
      join(pack, "package.json"),
      '{ "name": "late-package", "version": "1.0.0", "type": "module", "exports": { "types": "./i.d.ts", "default": "./i.js" } }',
    );
    writeFileSync(join(pack, "i.js"), "export const late = 12;");
    writeFileSync(join(pack, "i.d.ts"), "export declare const late: number;");
    expect(
      errorOf(await kernel.execute(`!npm install --offline --no-audit --no-fund --install-links ${pack}`)),
    ).toBeUndefined();
    await value('import "late-package"');
    expect(await value(code)).toBe("12");
    expect((await failure('import { late as text } from "late-package"; const s: string = text;')).evalue).toContain(
      "TS2322",
    );
    rmSync(pack, { recursive: true });
  });

  it("say what helps, and advise to install only what could be a package", async () => {
    const text = async (specifier: string) =>
      (await failure(`await import(${JSON.stringify(specifier)} as string)`)).evalue;
    expect(await text("@lib/none")).toBe(
      `Cannot find "@lib/none" from ${folder}: "paths" in ${join(folder, "tsconfig.json")} lead to ${join(folder, "lib/none")}, where there is no module`,
    );
    expect(await text("./lib/none")).toContain("Cannot find the module ./lib/none from");
    expect(await text("#none")).not.toContain("npm install");
    expect(await text("two words; rm")).toBe(`Cannot find the module "two words; rm" from ${folder}`);
    expect(await text("npm:moment@2.29.4")).toBe(
      'Node has no "npm:" imports. Install the package, npm install moment@2.29.4, and import "moment"',
    );
    expect(await text("npm:; rm -rf x")).not.toContain("nstall");
    expect(await text("jsr:@std/path")).toContain("npx jsr add @std/path");
    expect(await text("https://deno.land/std/version.ts")).toContain("Node does not import from the web.");
  });
});

/** Where a cell of this repository imports one of its packages, the checker reads its sources, by a cell's rules. */
describe.runIf(pythonHas("jupyter_client"))("packages of this repository in its cells", () => {
  const folders = readdirSync(join(root, "lib")).filter((name) => name !== "site");
  const modules = folders.flatMap((folder) => {
    const { name, exports } = JSON.parse(readFileSync(join(root, "lib", folder, "package.json"), "utf8"));
    const paths = Object.keys(exports).filter((path) => !/\*|\.json$|browser/.test(path));
    return paths.map((path) => name + path.slice(1));
  });

  it("are those with a folder in lib", () => {
    expect(modules).toEqual(expect.arrayContaining(["convbook", "nbconvert-ts-runner", "@convbook/classroom/checks"]));
  });

  it("have types that fit", async () => {
    const kernel = await KernelUnderTest.start({ folder: root });
    try {
      const said: unknown[] = [];
      for (const [i, name] of modules.entries()) {
        for (const code of [`import * as module${i} from ${JSON.stringify(name)};`, `typeof module${i}`]) {
          const { events } = await kernel.execute(code);
          const words = events.filter(({ type }) => type === "stream" || type === "error");
          said.push(...words.map(({ content }) => [name, content.text ?? content.evalue]));
        }
      }
      expect(said).toEqual([]);
    } finally {
      await kernel.close();
    }
  });
});
