/** TypeScript in cells: what runs, what is refused, and how errors point into the cell. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorOf, KernelUnderTest, pythonHas, resultOf, streamOf, TestFolder } from "./harness.ts";

const files = {
  "node_modules/only-esm/package.json":
    '{"name": "only-esm", "type": "module", "exports": "./index.js", "types": "./index.d.ts"}',
  "node_modules/only-esm/index.js": "export const answer = await Promise.resolve(42);",
  "node_modules/only-esm/index.d.ts": "export declare const answer: number;",
  "data.json": '{"rows": [1, 2]}',
  "old.cjs": "module.exports = { old: 'common' };",
  "call.cjs": "module.exports = (n) => n + 1; module.exports.version = '1.2';",
  "one.ts": 'import { two } from "./two.ts";\nexport const one = (): string => two() + 1;',
  "two.ts": 'import { one } from "./one.ts";\nexport const two = () => typeof one;',
  "base.ts": "export const base: number = 1;",
  "mod.ts":
    'import { base } from "./base.ts";\nexport type Pair = [number, number];\nexport const pair: Pair = [base, 2];\nexport function fail(): never {\n  throw new Error("in the module");\n}\n',
};

describe.runIf(pythonHas("jupyter_client"))("the language", () => {
  let kernel: KernelUnderTest;
  let own: TestFolder;
  let folder = "";
  beforeEach(async () => {
    own = new TestFolder(files);
    folder = own.path;
    kernel = await KernelUnderTest.start({ folder });
  });
  afterEach(async () => {
    await kernel.close();
    own.remove();
  });

  const value = (code: string) => kernel.value(code);

  it("declares anything again, as anything", async () => {
    const kinds = [
      "const it_ = 1",
      "let it_ = 2",
      "var it_ = 3",
      "function it_() { return 4 }",
      "class it_ { static five = 5 }",
      "enum it_ { six = 6 }",
      "const it_ = () => 7",
    ];
    for (const declaration of [...kinds, ...kinds.toReversed()]) {
      expect(errorOf(await kernel.execute(declaration))).toBeUndefined();
    }
    expect(await value("it_")).toBe("1");
    await value("enum Level { low, high }");
    expect(await value("enum Level { top = 9 }\nLevel")).toBe("{ '9': 'top', top: 9 }");
    await value("interface Shape { sides: number }");
    expect(await value("interface Shape { name: string }\nconst shape: Shape = { name: 'dot' }; shape.name")).toBe(
      "'dot'",
    );
  });

  it("lets functions of earlier cells see what later cells declare", async () => {
    await value("function outer(): number { return inner() + 1 }\nfunction inner() { return 1 }");
    expect(await value("outer()")).toBe("2");
    await value("function inner() { return 10 }");
    expect(await value("outer()")).toBe("11");
    // Nothing is seen of what a cell that failed did not come to.
    await kernel.failure(
      "const reached = 1; await null; throw new Error('half way'); const beyond = 2; class Beyond {}; var old = 3",
    );
    expect(await value("[reached, old]")).toBe("[ 1, undefined ]");
    const message = "has no value: the cell that declares it did not come to that line";
    expect(await kernel.failure("beyond + 1")).toMatchObject({ ename: "ReferenceError", evalue: `beyond ${message}` });
    expect(await kernel.failure("new Beyond()")).toMatchObject({ evalue: `Beyond ${message}` });
    expect(await value("const beyond = 'now'; beyond")).toBe("'now'");
    // What had a value keeps it.
    await kernel.failure("throw new Error('again'); const reached = 5");
    expect(await value("reached")).toBe("1");
  });

  it("has a module and its exports, as Node's own console has", async () => {
    const code =
      "exports.one = 1; module.exports.two = 2; if (require.main === module) { exports.main = true }; module.exports";
    expect(await value(code)).toBe("{ one: 1, two: 2, main: true }");
    expect(await value("exports.one + (module.exports = { three: 3 }).three")).toBe("4");
    expect(await value("[module.filename === __filename, module.require('./old.cjs').old]")).toBe("[ true, 'common' ]");
    expect(await value("const module = 5; module")).toBe("5");
  });

  it("has today's syntax", async () => {
    expect(await value("const later = await Promise.resolve(3); later")).toBe("3");
    expect(await value("let sum = 0; for await (const n of [1, Promise.resolve(2)]) sum += n; sum")).toBe("3");
    expect(await value("const config = { mode: 'a' } satisfies { mode: 'a' | 'b' }; config.mode")).toBe("'a'");
    expect(
      streamOf(
        await kernel.execute("{ using r = { [Symbol.dispose]() { console.log('disposed') } }; console.log('in') }"),
      ),
    ).toBe("in\ndisposed\n");
    expect(
      await value(
        "function twice(f: (this: unknown) => number, _: ClassMethodDecoratorContext) { return function (this: unknown) { return 2 * f.call(this) } }\nclass Deco { @twice three() { return 3 } }\nnew Deco().three()",
      ),
    ).toBe("6");
    expect(await value("namespace Space { export const depth = 3 }\nSpace.depth")).toBe("3");
    expect(
      await value(
        "class Point { constructor(readonly x: number, private y = 2) {} get sum() { return this.x + this.y } }\nnew Point(1).sum",
      ),
    ).toBe("3");
    expect(
      await value(
        "const React = { createElement: (tag: string, props: object | null, ...children: unknown[]) => ({ tag, props, children }) };\ndeclare global { namespace JSX { interface IntrinsicElements { [name: string]: object } } }\nconst tree = <b id='1'>hi</b>; tree",
      ),
    ).toBe("{ tag: 'b', props: { id: '1' }, children: [ 'hi' ] }");
    expect(await value("for (var i = 0, j = 1; i < 3; i++) { var last: number | undefined = i }\n[i, j]")).toBe(
      "[ 3, 1 ]",
    );
    expect(await value("const { a, b: [c = 5, ...rest] } = { a: 1, b: [undefined, 2, 3] }; [a, c, rest]")).toBe(
      "[ 1, 5, [ 2, 3 ] ]",
    );
    expect(await value("import.meta.dirname === process.cwd()")).toBe("true");
  });

  it("imports packages that are ESM only, CommonJS, JSON and built-in modules", async () => {
    expect(await value('import { answer } from "only-esm";\nanswer + 0')).toBe("42");
    expect(await value('const again = await import("only-esm"); again.answer')).toBe("42");
    expect(await value('// @convbook-types: off\nimport { old } from "./old.cjs"; old')).toBe("'common'");
    expect(await value('const common = require("./old.cjs"); common.old')).toBe("'common'");
    expect(await value('// @convbook-types: off\nimport call, { version } from "./call.cjs"; [call(1), version]')).toBe(
      "[ 2, '1.2' ]",
    );
    expect(await value('import { one } from "./one.ts"; one()')).toBe("'function1'");
    expect(await value('import data from "./data.json" with { type: "json" };\ndata.rows')).toBe("[ 1, 2 ]");
    expect(
      await value(
        'import { basename } from "node:path"; import * as os from "os";\n[basename("/a/b"), typeof os.cpus]',
      ),
    ).toBe("[ 'b', 'function' ]");
  });

  it("has in cells one kind of object, error, function and promise, the kernel's own code aside", async () => {
    const cell = `// @convbook-types: off
const errors = [];
for (const work of [() => require("nope"), () => import("nope"), () => import("./nope.ts"), () => process.exit(1), () => prompt()]) {
  try { await work(); } catch (error) { errors.push(error instanceof Error); }
}
const { pair } = await import("./mod.ts");
const data = (await import("./data.json")).default;
[
  errors.join(),
  import("node:os") instanceof Promise,
  [setTimeout, setImmediate, queueMicrotask, process.nextTick, process.exit, process.kill, require, prompt, display, display.html]
    .every((item) => item instanceof Function),
  pair instanceof Array,
  data instanceof Object && data.rows instanceof Array,
  process.stdout instanceof (await import("node:stream")).Writable,
]`;
    expect(resultOf(await kernel.execute(cell))).toBe("[ 'true,true,true,true,true', true, true, true, true, true ]");
  });

  it("lets a cell take a name of Node's without taking it from others", async () => {
    await value(
      'import { setTimeout, setImmediate } from "node:timers/promises";\nimport process from "node:process";\nawait setTimeout(5, "waited")',
    );
    expect(await value('await setTimeout(5, "again")')).toBe("'again'");
    expect(await value("typeof process.pid")).toBe("'number'");
    expect(await value("typeof globalThis.setTimeout(() => {}, 1)")).toBe("'object'");
  });

  it("reads local modules again when they, or what they import, were edited", async () => {
    expect(await value('import { pair } from "./mod.ts"; pair')).toBe("[ 1, 2 ]");
    writeFileSync(join(folder, "base.ts"), 'export const base: number = 100;\nexport const fresh = "new";');
    expect(await value('import { pair } from "./mod.ts"; import { fresh } from "./base.ts"; [pair, fresh]')).toBe(
      "[ [ 100, 2 ], 'new' ]",
    );
    const failed = await kernel.execute('import { fail } from "./mod.ts";\nfail();');
    expect(errorOf(failed).traceback.join("\n")).toMatch(/at fail \(.*mod\.ts:5:9\)[\s\S]*at In \[\d+\]:2:1/);
    expect(errorOf(failed).traceback.join("\n")).toContain('throw new Error("in the module")');
    writeFileSync(join(folder, "broken.ts"), "export const fine = 1;\nexport const b = ;");
    const broken = errorOf(await kernel.execute('// @convbook-types: off\nimport { b } from "./broken.ts";'));
    expect(broken.evalue).toMatch(/^Unexpected ";" \(.*broken\.ts:2:18\)$/);
    expect(broken.traceback.join("\n")).toContain("export const b = ;");
    writeFileSync(join(folder, "old.cjs"), "module.exports = { old: 'edited' };");
    expect(await value('const edited = require("./old.cjs"); edited.old')).toBe("'edited'");
  });

  it("knows the standard library of the Node that runs the cells", async () => {
    const has = "withResolvers" in Promise;
    const { reply } = await kernel.execute("typeof Promise.withResolvers");
    expect(reply.content.ename).toBe(has ? undefined : "TypeScriptError");
    expect(await value("[[3, 1].toSorted(), 'a'.isWellFormed(), typeof Symbol.dispose]")).toBe(
      "[ [ 1, 3 ], true, 'symbol' ]",
    );
  });

  it("stops a cell with a type error: code, line, column, code frame", async () => {
    const result = await kernel.execute('console.log("never");\nconst n: number = "text";');
    expect(streamOf(result)).toBe("");
    const error = errorOf(result);
    expect(error.ename).toBe("TypeScriptError");
    expect(error.evalue).toMatch(/^TS2322: Type 'string' is not assignable to type 'number'\. \(In \[\d+\]:2:7\)$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out
    expect(error.traceback.join("\n").replace(/\u001b\[\d+m/g, "")).toContain(
      '> 2 | const n: number = "text";\n    |       ^',
    );
  });

  it("checks across cells", async () => {
    await value("let counter = 1; const fixed = 2; type Name = string");
    expect(await value("counter = 5; const who: Name = 'x'; counter")).toBe("5");
    expect(errorOf(await kernel.execute("counter = 'five'")).evalue).toContain("TS2322");
    expect(errorOf(await kernel.execute("fixed = 3")).evalue).toContain("because it is a constant of an earlier cell");
    expect(errorOf(await kernel.execute("const wrong: Name = 5")).evalue).toContain("TS2322");
  });

  it("knows the types of the Node that runs, and says what that one does not have", async () => {
    const node = process.versions.node;
    expect(errorOf(await kernel.execute('import { x } from "node:nope"; x')).evalue).toContain(
      `TS2307: Cannot find module 'node:nope': Node ${node} does not have it.`,
    );
    const sqlite = await kernel.execute('import { DatabaseSync } from "node:sqlite"; typeof DatabaseSync');
    if (Number.parseInt(node, 10) >= 22) {
      expect(resultOf(sqlite)).toBe("'function'");
    } else {
      expect(errorOf(sqlite).evalue).toContain(
        `TS2591: Cannot find module 'node:sqlite': Node ${node} does not have it.`,
      );
    }
    const main = await kernel.execute("import.meta.main");
    if (Number.parseInt(node, 10) >= 24) {
      expect(resultOf(main)).toBe("true");
    } else if (Number.parseInt(node, 10) < 22) {
      expect(errorOf(main).evalue).toContain("TS2339: Property 'main' does not exist on type 'ImportMeta'.");
    }
  });

  it("knows every global that Node has, WebAssembly and the classes of its values among them", async () => {
    const names = await value(
      `Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Z]/i.test(name) && !["NaN", "Infinity"].includes(name)).join()`,
    );
    const all = (names ?? "").slice(1, -1).split(",");
    expect(all).toEqual(expect.arrayContaining(["WebAssembly", "Crypto", "Performance"]));
    expect(await value(`[${all.join(", ")}].length > 50`)).toBe("true");
    const add =
      "[0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]";
    const sum = `const { instance } = await WebAssembly.instantiate(Uint8Array.from(${add})); (instance.exports.add as (a: number, b: number) => number)(2, 3)`;
    expect(await value(sum)).toBe("5");
    expect(errorOf(await kernel.execute("WebAssembly.compile(5)")).evalue).toContain("TS2345");
  });

  it("asks for no annotations, and lets an array or a variable take the type of what is put into it", async () => {
    expect(await value("const losses = []; for (const epoch of [1, 2]) losses.push({ epoch }); losses[1].epoch")).toBe(
      "2",
    );
    expect(await value("losses.push({ epoch: 3 }); losses.length")).toBe("3");
    expect(await value("function join(a, b) { return String(a) + b }\njoin(1, 2)")).toBe("'12'");
    expect(errorOf(await kernel.execute("const sizes = []; sizes.push(1); sizes[0].toUpper()")).evalue).toContain(
      "TS2339",
    );
  });

  it("relaxes types for a cell or from there on", async () => {
    expect(await value("// @convbook-types: off\nconst off: number = 'x'; off")).toBe("'x'");
    const warned = await kernel.execute("// @convbook-types: warn\nconst warn: number = 'x'; warn");
    expect(resultOf(warned)).toBe("'x'");
    expect(streamOf(warned, "stderr")).toContain("TS2322");
    await value("%types off");
    expect(await value("const none: number = 'x'; none")).toBe("'x'");
    await value("%types error");
    expect(errorOf(await kernel.execute("const strict: number = 'x'")).ename).toBe("TypeScriptError");
  });

  it("points syntax errors and run-time errors at TypeScript", async () => {
    const syntax = errorOf(await kernel.execute("const ok = 1;\nconst bad = (;"));
    expect(syntax.evalue).toMatch(/\(In \[\d+\]:2:14\)$/);
    // What esbuild lets pass.
    const back = errorOf(await kernel.execute("const n: number = 1;\nreturn n;"));
    expect(back.evalue).toMatch(/^'return' outside of function \(In \[\d+\]:2:1\)$/);
    const run = errorOf(
      await kernel.execute(
        "interface Options { size: number }\ntype Other = {\n  deep: string;\n};\nenum Kind { A }\nfunction check(options: Options): number {\n  if (options.size > 2) throw new RangeError('too big: ' + options.size);\n  return Kind.A;\n}\ncheck({ size: 5 });",
      ),
    );
    expect(run.traceback.join("\n")).toMatch(/at check \(In \[\d+\]:7:31\)[\s\S]*at In \[\d+\]:10:1/);
  });

  it("says what to install for a package that is missing", async () => {
    expect(errorOf(await kernel.execute('import pad from "left-pad-that-is-not-there";')).evalue).toMatch(
      /To install it: npm install left-pad-that-is-not-there$/,
    );
    expect(errorOf(await kernel.execute('import { x } from "@nobody/nothing/deep";')).evalue).toMatch(
      /To install it: npm install @nobody\/nothing$/,
    );
    expect(errorOf(await kernel.execute('require("@nobody/nothing/deep")')).evalue).toMatch(
      /To install it: npm install @nobody\/nothing$/,
    );
  });

  it("runs the magics", async () => {
    expect(streamOf(await kernel.execute("%lsmagic"))).toContain("%%writefile");
    await kernel.execute("%env KERNEL_TEST=yes");
    expect(streamOf(await kernel.execute("!echo $KERNEL_TEST; echo problem >&2"))).toBe("yes\n");
    await kernel.execute("%%writefile out/note.txt\nfirst\nsecond");
    expect(streamOf(await kernel.execute("!cat out/note.txt"))).toBe("first\nsecond");
    expect(streamOf(await kernel.execute("%cd out"))).toMatch(/\/out\n$/);
    await kernel.execute("%cd ..");
    for (const [magic, type] of [
      ["html", "text/html"],
      ["markdown", "text/markdown"],
      ["latex", "text/latex"],
      ["svg", "image/svg+xml"],
    ] as const) {
      const shown = await kernel.execute(`%%${magic}\n<i>x</i>`);
      expect(shown.events.find((event) => event.type === "display_data")?.content.data[type]).toBe("<i>x</i>");
    }
    expect(streamOf(await kernel.execute("%%bash\nfor i in 1 2; do echo $i; done"))).toBe("1\n2\n");
    expect(streamOf(await kernel.execute("%pwd"))).toBe(`${folder}\n`);
    expect(streamOf(await kernel.execute("%time 1 + 1"))).toMatch(/^Wall time: .+\n$/);
    const timed = await kernel.execute("%%time\nlet total = 0;\nfor (let k = 0; k < 10; k++) total += k;\ntotal");
    expect(streamOf(timed)).toMatch(/^Wall time: .+\n$/);
    expect(resultOf(timed)).toBe("45");
    expect(errorOf(await kernel.execute("%nothing")).evalue).toMatch(/^There is no magic %nothing; there are %%time/);
    expect(errorOf(await kernel.execute("!exit 3")).evalue).toBe("exit 3 ended with exit code 3");
    expect(await value("const flag = true;\n!flag")).toBe("false");
    expect(await value("const text = `\n%cd nowhere\n!ls`; text.length")).toBe("16");
  });

  it("shows values: tensors, tables, things that know how", async () => {
    const data = async (code: string) =>
      (await kernel.execute(code)).events.find(({ type }) => type === "execute_result")?.content.data;
    expect(
      await data("({ shape: [2, 2], dtype: 'float32', dataSync: () => new Float32Array([1, 2.5, 3, 4]) })"),
    ).toEqual({ "text/plain": "Tensor [2, 2] float32\n[[1, 2.5],\n [3, 4]]" });
    const table = await data("[{ model: 'ResNet', accuracy: 91.84 }, { model: '<Dense>', accuracy: 90.72 }]");
    expect(table["text/plain"]).toBe("model    accuracy\n───────  ────────\nResNet      91.84\n<Dense>     90.72");
    expect(table["text/html"]).toContain("<td>&lt;Dense&gt;</td>");
    expect(await data("({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<b>me</b>' }) })")).toEqual({
      "text/html": "<b>me</b>",
    });
    expect(await data("new Map([['k', { deep: [1] }]])")).toEqual({
      "text/plain": "Map(1) { 'k' => { deep: [ 1 ] } }",
    });
    const tslab = await kernel.execute(
      "import * as tslab from 'tslab';\ntslab.display.html('<i>t</i>');\ntslab.display.png(new Uint8Array([1, 2, 3]));",
    );
    expect(tslab.events.filter(({ type }) => type === "display_data").map(({ content }) => content.data)).toEqual([
      { "text/html": "<i>t</i>" },
      { "image/png": "AQID" },
    ]);
  });

  it("helps while typing, also while a cell runs", async () => {
    await value(
      "class Net {\n  /** Goes through. */\n  forward(input: number, scale = 1): number { return input * scale } }\nconst net = new Net();\nfunction create(name: 'ResNet' | 'DenseNet') { return name }",
    );
    const complete = async (code: string, cursor = [...code].length) =>
      (await kernel.request("complete_request", { code, cursor_pos: cursor })).reply.content;
    const inspect = async (code: string, cursor = [...code].length) =>
      (await kernel.request("inspect_request", { code, cursor_pos: cursor, detail_level: 0 })).reply.content;
    expect(await complete("net.for")).toMatchObject({ matches: ["forward"], cursor_start: 4, cursor_end: 7 });
    expect((await complete('create("')).matches).toEqual(["DenseNet", "ResNet"]);
    expect(await complete('const s = "😀😀"; s.toUp')).toMatchObject({
      matches: ["toUpperCase"],
      cursor_start: 18,
      cursor_end: 22,
    });
    expect((await complete('import { readFileS } from "node:fs"', 18)).matches).toEqual(["readFileSync"]);
    expect((await complete("%%wr")).matches).toEqual(["%%writefile"]);
    expect((await inspect("net.forward")).data["text/plain"]).toContain("Goes through.");
    expect((await inspect("net.forward(1, ")).data["text/plain"]).toMatch(
      /^forward\(input: number, scale\?: number\): number[\s\S]*scale/,
    );
    expect(await inspect("nothing_at_all")).toMatchObject({ found: false });
    expect((await inspect("net")).data["text/plain"]).toBe("const net: Net");
    expect((await inspect("__dirname")).data["text/plain"]).toMatch(/^var __dirname: string/);
    const deep = await kernel.request("inspect_request", { code: "net.forward", cursor_pos: 11, detail_level: 1 });
    expect(deep.reply.content.data["text/plain"]).toMatch(
      /Goes through\.[\s\S]*Declared in a cell of this notebook, line 3$/,
    );
    const { replies, cell } = await kernel.do("during", {
      code: "const until = Date.now() + 1500; while (Date.now() < until) {}\n'done'",
      requests: [
        { type: "complete_request", content: { code: "net.for", cursor_pos: 7 } },
        { type: "inspect_request", content: { code: "net", cursor_pos: 3, detail_level: 0 } },
      ],
    });
    expect(replies[0].content.matches).toEqual(["forward"]);
    expect(replies[1].content.found).toBe(true);
    expect(resultOf(cell)).toBe("'done'");
  });
});

describe.runIf(pythonHas("jupyter_client"))("the notebook folder's tsconfig.json", () => {
  const run = async (config: string, cells: (kernel: KernelUnderTest) => Promise<void>, files = {}) => {
    const folder = mkdtempSync(join(tmpdir(), "kernel-tsconfig-"));
    for (const [file, text] of Object.entries<string>({ "tsconfig.json": config, ...files })) {
      writeFileSync(join(folder, file), text);
    }
    const kernel = await KernelUnderTest.start({ folder });
    try {
      await cells(kernel);
    } finally {
      await kernel.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };

  it("is honoured, comments and all", () =>
    run(
      '{\n  // loose\n  "compilerOptions": { "strict": false, "noImplicitAny": true, "experimentalDecorators": true, },\n}',
      async (kernel) => {
        expect(resultOf(await kernel.execute("let nothing: string = null; nothing"))).toBe("null");
        expect((await kernel.execute("function implicit(a) { return a }")).reply.content.evalue).toContain("TS7006");
        expect(
          resultOf(
            await kernel.execute(
              "function seal(target: Function) { (target as any).sealed = true }\n@seal class Old {}\n(Old as any).sealed",
            ),
          ),
        ).toBe("true");
      },
    ));

  it("brings the declarations among its files", () =>
    run(
      '{ "extends": "./base.json" }',
      async (kernel) => {
        expect(resultOf(await kernel.execute("globalThis.answer = 42; answer.toFixed(1)"))).toBe("'42.0'");
        expect((await kernel.execute("answer.length")).reply.content.evalue).toContain("TS2339");
        expect((await kernel.execute("other")).reply.content.evalue).toContain("TS2304");
      },
      {
        "base.json": '{ "compilerOptions": { "strict": true }, "include": ["*.ts"] }',
        "globals.d.ts": "declare var answer: number;",
        "other.d.mts": "declare global { var other: number; }",
      },
    ));

  it("is left out with one message where it is broken", () =>
    run('{ "compilerOptions": { "strict": tru }', async (kernel) => {
      const first = await kernel.execute("'runs'");
      expect(resultOf(first)).toBe("'runs'");
      expect(streamOf(first, "stderr")).toMatch(
        /tsconfig\.json cannot be used: .*Cells are checked with the default options\.\n$/,
      );
      expect(streamOf(await kernel.execute("'again'"), "stderr")).toBe("");
    }));
});
