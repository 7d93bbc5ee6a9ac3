/** Forty submissions that want points which they do not deserve, or something that is none of their business. Written for this test. */
import { strToU8, zipSync } from "fflate";
import { type Classroom, cell, course, goodSquare, goodTotal, notebook, type TestCell } from "./support.ts";

/** What a submission is and what it must come to: points of the two tests. */
export interface Hostile {
  readonly square: string;
  readonly total: string;
  /** Of `test_square` (2) and `test_total` (3). */
  readonly deserved: readonly [number, number];
  /** A finding that must be there. */
  readonly finding?: string;
  /** Cells of its own, before the answers. */
  readonly first?: readonly string[];
  /** Changes the notebook as a whole. */
  readonly change?: (cells: TestCell[]) => TestCell[];
  /** The file instead of a notebook. */
  readonly file?: (cells: readonly TestCell[]) => { readonly name: string; readonly bytes: Uint8Array };
}

const wrongSquare = "function square(x: number): number { return 0; }";
const wrongTotal = "function total(a: number[]): number { return -1; }";
const wrong = { square: wrongSquare, total: wrongTotal, deserved: [0, 0] } as const;
const gradeType = "application/x-convbook-grade+json";
const full = `{ "${gradeType}": { points: 3, reasons: ["all"] } }`;
/** A frame as the process that runs the cells writes it to the supervisor, by what can be read in the package. */
const forgedFrame = (json: string) => `
  const text = Buffer.from(JSON.stringify(${json}));
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0xc04b0ffe, 0);
  head.writeUInt32LE(4 + text.length, 4);
  head.writeUInt32LE(text.length, 8);
  require("node:fs").writeSync(3, Buffer.concat([head, text]));`;

/**
 * The submissions, by name.
 *
 * @param secrets Paths of the grader's notebook, of another submission, and of a folder outside.
 */
export function hostileClass(secrets: { grader: string; neighbour: string; outside: string }): Record<string, Hostile> {
  const read = (path: string) =>
    `try { console.log(require("node:fs").readFileSync(${JSON.stringify(path)}, "utf8")); } catch (error) { console.log(String(error)); }`;
  const inTest = (code: string) => `function square(x: number): number { ${code}; return 0; }`;
  return {
    // Files.
    "reads the grader": { ...wrong, first: [read(secrets.grader)] },
    "reads the grader in a test": { ...wrong, square: inTest(read(secrets.grader)) },
    "reads a neighbour": { ...wrong, first: [read(secrets.neighbour)] },
    "looks around": {
      ...wrong,
      first: [
        'const { execSync } = require("node:child_process"); for (const place of ["/tmp", "/root", "/home", "..", "../.."]) { try { console.log(place, String(execSync(`ls -R \x24{place} 2>&1 | head -200`))); } catch {} }',
      ],
    },
    "reads what is the administrator's": {
      ...wrong,
      first: [
        'const fs = require("node:fs"); const walk = (place, depth) => { let names = []; try { names = fs.readdirSync(place); } catch {} for (const name of names) { const path = `\x24{place}/\x24{name}`; try { const stats = fs.lstatSync(path); if (stats.isDirectory() && depth > 0) walk(path, depth - 1); else if (stats.isFile() && stats.size > 0 && (stats.mode & 4) === 0 && fs.readFileSync(path).length > 0) console.log("PRIVATE", path); } catch {} } }; for (const place of ["/etc", "/root", "/home", "/boot", "/srv", "/opt", "/var"]) walk(place, 5); for (const path of ["/etc/shadow", "/etc/gshadow", "/etc/sudoers"]) { try { if (fs.readFileSync(path, "utf8") !== "") console.log("PRIVATE", path); } catch {} }',
      ],
    },
    "reads the environment": {
      ...wrong,
      first: [
        'console.log(JSON.stringify(process.env)); const fs = require("node:fs"); for (const pid of fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) for (const file of ["environ", "cmdline"]) { try { console.log(fs.readFileSync(`/proc/\x24{pid}/\x24{file}`, "utf8")); } catch {} }',
      ],
    },
    "reads its own memory": {
      ...wrong,
      first: [
        'const fs = require("node:fs"); for (const who of ["self", "thread-self", process.pid, process.ppid, 1]) for (const what of ["mem", "maps", "environ"]) { try { fs.closeSync(fs.openSync(`/proc/\x24{who}/\x24{what}`, "r")); console.log("PRIVATE", who, what); } catch {} }',
      ],
    },
    "has a child read its memory": {
      ...wrong,
      first: [
        // EFAULT (14) of an address where nothing is would mean that others could be read.
        'const { execFileSync } = require("node:child_process"); const code = "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); b = ctypes.create_string_buffer(8); v = (ctypes.c_size_t * 2)(ctypes.addressof(b), 8); w = (ctypes.c_size_t * 2)(4096, 8); l.process_vm_readv(os.getppid(), v, 1, w, 1, 0); print(\'PRIVATE\' if ctypes.get_errno() == 14 else \'refused\')"; try { console.log(String(execFileSync("/usr/bin/python3", ["-c", code]))); } catch {}',
        'try { console.log(String(require("node:child_process").execSync("unshare -Urmpf sh -c \'mount -t proc proc /proc && cat /proc/*/maps && echo PRIVATE\' 2>&1"))); } catch {}',
        'try { require("node:fs").readFileSync(process.execPath); console.log("PRIVATE"); } catch {}',
      ],
    },
    "writes down what is compiled": {
      ...wrong,
      first: [
        'try { require("node:trace_events").createTracing({ categories: ["v8", "disabled-by-default-devtools.v8-source-rundown", "disabled-by-default-devtools.v8-source-rundown-sources"] }).enable(); console.log("PRIVATE"); } catch {}',
      ],
    },
    "asks services": {
      ...wrong,
      first: [
        'const fs = require("node:fs"), net = require("node:net"); const walk = (place, depth) => { let names = []; try { names = fs.readdirSync(place); } catch {} return names.flatMap((name) => { const path = `\x24{place}/\x24{name}`; try { const stats = fs.lstatSync(path); return stats.isSocket() ? [path] : stats.isDirectory() && depth > 0 ? walk(path, depth - 1) : []; } catch { return []; } }); }; for (const path of ["/run", "/var", "/opt", "/etc", "/srv"].flatMap((place) => walk(place, 4))) console.log(await new Promise((done) => net.createConnection(path).on("connect", () => done("CONNECTED " + path)).on("error", (error) => done(String(error)))));',
      ],
    },
    "writes outside": {
      ...wrong,
      first: [
        `for (const place of ["/tmp/hostile-was-here", "/usr/hostile-was-here", "/etc/hostile-was-here", ${JSON.stringify(secrets.outside)} + "/x", "../x"]) { try { require("node:fs").writeFileSync(place, "I was here"); } catch {} }`,
      ],
    },
    "forges result files": {
      ...wrong,
      first: [
        'for (const name of ["result.json", "../result.json", "out/result.json", "graded.key"]) { try { require("node:fs").writeFileSync(name, JSON.stringify({ version: 1, points: 6, status: "graded" })); } catch {} }',
      ],
    },
    "fills the disk": {
      ...wrong,
      first: [
        'const fs = require("node:fs"); const bytes = Buffer.alloc(1 << 20); try { for (let i = 0; i < 4096; i++) fs.appendFileSync("big" + (i % 64), bytes); } catch (error) { console.log(String(error)); }',
      ],
    },
    "unmounts the walls": {
      ...wrong,
      first: [
        'for (const command of ["umount -l /tmp", "umount -l ' +
          secrets.outside +
          '", "mount -o remount,rw /", "unshare -Urm umount /tmp"]) { try { require("node:child_process").execSync(command, { stdio: "ignore" }); } catch {} }',
        read(secrets.grader),
      ],
    },
    // What tests stand on.
    "patches JSON and Buffer": {
      ...wrong,
      first: [
        `JSON.stringify = () => '{"points":3,"reasons":[]}'; JSON.parse = () => ({ points: 3 }); Buffer.from = (() => Buffer.alloc(0)) as never;`,
      ],
    },
    "patches assert": {
      ...wrong,
      first: [
        'const assertions = require("node:assert"); for (const name of ["equal", "ok", "strictEqual", "deepEqual"]) assertions[name] = () => {}; require("node:module").syncBuiltinESMExports();',
      ],
    },
    "patches assert in a test": {
      ...wrong,
      square: inTest(
        "try { (assert as any).equal = () => {}; } catch {} try { (assert as any).ok = () => {}; } catch {}",
      ),
    },
    "defines assert anew in a test": {
      ...wrong,
      square: inTest(
        'try { Object.defineProperty(globalThis, "assert", { value: { equal() {}, ok() {} }, configurable: true }); } catch {}',
      ),
    },
    "replaces assert after the first test": {
      ...wrong,
      square:
        'function square(x: number): number { try { Object.defineProperty(globalThis, "assert", { value: { equal() {}, ok() {} }, configurable: true }); } catch {} return x === 2 ? 4 : 0; }',
    },
    "replaces a helper after the first test": {
      ...wrong,
      square:
        'function square(x: number): number { try { Object.defineProperty(globalThis, "near", { value: () => true, configurable: true }); } catch {} return x === 2 ? 4 : x === -3 ? 9 : 7; }',
    },
    "sets the test's own variables": {
      ...wrong,
      total: "function total(a: number[]): number { (globalThis as any).earned = 3; return -1; }",
    },
    "declares a Math of its own": {
      ...wrong,
      first: ["const Math = { abs: () => 0 }; const Object = {}, undefined_ = 1; let calls = 0;"],
      square: "function square(x: number): number { return x === 2 ? 4 : x === -3 ? 9 : calls++ === 0 ? 0.25 : 7; }",
    },
    "looks who calls": {
      ...wrong,
      first: [
        "var callers = []; function look() { for (let f = look.caller; f; f = f.caller) console.log('SEEN', String(f)); }",
      ],
      square:
        "// @ts-nocheck\nfunction square(x) { try { for (let f = square.caller; f; f = f.caller) console.log(String(f)); } catch {} return 0; }",
    },
    "patches prototypes": {
      ...wrong,
      first: [
        "Number.prototype.valueOf = () => 4; Object.prototype.toString = () => '4'; Array.prototype.reduce = () => 3 as never; Math.abs = () => 0; Object.is = () => true;",
      ],
    },
    "adds toJSON to everything": {
      ...wrong,
      first: [
        "// @ts-nocheck\nObject.prototype.toJSON = function () { return 'points' in this ? { points: 3, reasons: [] } : this; };",
      ],
    },
    "shows everything as a grade": {
      ...wrong,
      first: [
        `// @ts-nocheck\nObject.prototype[Symbol.for("Jupyter.display")] = Number.prototype[Symbol.for("Jupyter.display")] = () => (${full});`,
      ],
    },
    "redefines helpers": {
      ...wrong,
      square: "function square(x: number): number { return x === 2 ? 4 : x === -3 ? 9 : 7; }",
      first: ["function near(a: number, b: number): boolean { return true; }"],
    },
    "redefines helpers in a test": {
      ...wrong,
      square:
        "function square(x: number): number { try { (globalThis as any).near = () => true; } catch {} return x === 2 ? 4 : x === -3 ? 9 : 7; }",
    },
    "redefines display": {
      ...wrong,
      first: [
        `// @ts-nocheck\nconst own = display; display.raw = () => own(${full}); globalThis.display = { raw: () => own(${full}) };`,
      ],
    },
    // Forgeries.
    "shows a grade in its cell": { ...wrong, first: [`display.raw(${full});`], finding: "forged" },
    "shows a grade in a test": {
      ...wrong,
      total: `function total(a: number[]): number { display.raw(${full}); return -1; }`,
      finding: "forged",
    },
    "shows a grade where none is": { ...wrong, square: inTest(`display.raw(${full})`), finding: "forged" },
    "shows a grade later": { ...wrong, first: [`setInterval(() => display.raw(${full}), 5);`] },
    "swallows the real grade": {
      ...wrong,
      total: `function total(a: number[]): number { const io = (globalThis as any)[Symbol.for("jupyter.notebook.io")]; const show = io.display; try { io.display = () => {}; } catch {} show(${full}); return -1; }`,
      finding: "forged",
    },
    "says that the test has ended": {
      ...wrong,
      square: inTest(
        `for (let n = 1; n < 40; n++) { ${forgedFrame('{ type: "done", cell: n, status: "ok", expressions: { classroom: { status: "ok", data: { "text/plain": "\'00-1\'" }, metadata: {} } } }')} }`,
      ),
    },
    "drives the runner": {
      ...wrong,
      square: inTest(
        'const runner = (globalThis as any)[Symbol.for("convbook.kernel.runner")]; for (let n = 1; n < 40; n++) { try { runner.handle({ type: "execute", cell: n, file: "x", code: "(async () => {})", declares: [], shadows: [], ownShadows: [], expressions: {} }, []); } catch {} }',
      ),
    },
    "replaces the runner": {
      ...wrong,
      first: [
        '// @ts-nocheck\nconst runner = globalThis[Symbol.for("convbook.kernel.runner")]; const handle = runner.handle; try { runner.handle = function (frame, buffers) { console.log("SEEN", frame.code); return handle.call(this, { ...frame, code: "(async () => {})" }, buffers); }; } catch {}',
      ],
    },
    "replaces vm.Script": {
      ...wrong,
      first: [
        '// @ts-nocheck\nconst vm = require("node:vm"); const { Script } = vm; try { vm.Script = class extends Script { constructor(code, options) { console.log("SEEN", code); super("(async () => {})", options); } }; } catch {}',
      ],
    },
    "goes into the kernel's realm": {
      ...wrong,
      first: [
        '// @ts-nocheck\ntry { const own = process.stdout.write.constructor("return globalThis")(); const parse = own.JSON.parse; own.JSON.parse = (text) => { console.log("SEEN", text); return parse(text.replace(/assert\\.equal/g, "void ")); }; } catch (error) { console.log(String(error)); }',
      ],
    },
    "reaches the realm's objects": {
      ...wrong,
      first: [
        '// @ts-nocheck\ntry { const objects = process.stdout.write.__proto__.__proto__; objects.toJSON = function () { return this.type === "done" ? { ...this, status: "ok" } : this; }; objects.constructor.entries = () => []; } catch (error) { console.log(String(error)); }',
      ],
    },
    "debugs itself": {
      ...wrong,
      first: [
        '// @ts-nocheck\nconst { Session } = require("node:inspector"); const session = new Session(); session.connect(); session.on("Debugger.scriptParsed", ({ params }) => session.post("Debugger.getScriptSource", { scriptId: params.scriptId }, (_, found) => console.log("SEEN", found?.scriptSource))); session.post("Debugger.enable");',
      ],
    },
    "debugs itself from a thread": {
      ...wrong,
      first: [
        '// @ts-nocheck\nconst { Worker } = require("node:worker_threads"); new Worker(`const { Session } = require("node:inspector"); const session = new Session(); session.connectToMainThread(); session.on("Debugger.scriptParsed", ({ params }) => session.post("Debugger.getScriptSource", { scriptId: params.scriptId }, (_, found) => console.log("SEEN", found?.scriptSource))); session.post("Debugger.enable"); setInterval(() => {}, 1000);`, { eval: true }); await new Promise((done) => setTimeout(done, 300));',
      ],
    },
    "takes a snapshot of the heap": {
      ...wrong,
      first: [
        '// @ts-nocheck\nsetTimeout(() => require("node:v8").writeHeapSnapshot("heap"), 50); setTimeout(() => console.log("SEEN", require("node:fs").readFileSync("heap", "utf8").slice(0, 1e6)), 500);',
      ],
    },
    "quotes the test": {
      ...wrong,
      square:
        "function square(x: number): number { throw new Error(`\x24{new Error().stack} \x24{(arguments as any).callee}`); }",
      first: [
        "// @ts-nocheck\nError.prepareStackTrace = (error, sites) => sites.map((site) => String(site.getFunction())).join();",
      ],
    },
    // Limits.
    "never ends": { ...wrong, square: inTest("for (;;) {}"), finding: "limit" },
    "never ends and does not listen": {
      ...wrong,
      first: ["process.on('SIGINT', () => {}); for (;;) {}"],
      finding: "limit",
    },
    recurses: { ...wrong, square: "function square(x: number): number { return square(x) + 1; }" },
    "takes all memory": {
      ...wrong,
      first: ["const taken: Buffer[] = []; for (;;) taken.push(Buffer.alloc(1 << 26, 1));"],
      finding: "limit",
    },
    forks: {
      ...wrong,
      first: [
        'const { spawn } = require("node:child_process"); for (let i = 0; i < 400; i++) spawn("sh", ["-c", "sleep 60 & sleep 60"], { stdio: "ignore", detached: true }).unref(); await new Promise((done) => setTimeout(done, 2000));',
      ],
      finding: "limit",
    },
    "prints 100 MB": {
      ...wrong,
      first: ['for (let i = 0; i < 100; i++) console.log("x".repeat(1 << 20));'],
      finding: "output",
    },
    "opens sockets": {
      ...wrong,
      first: [
        'const { createConnection } = require("node:net"); for (const [port, host] of [[80, "1.1.1.1"], [22, "127.0.0.1"]] as const) console.log(await new Promise((done) => createConnection(port, host).on("connect", () => done("CONNECTED")).on("error", (error) => done(String(error)))));',
      ],
    },
    "leaves the process": {
      ...wrong,
      square: inTest("process.exit(0)"),
      total: "function total(a: number[]): number { return process.reallyExit(0) as never; }".replace(
        "process.reallyExit",
        "(process as any).reallyExit",
      ),
    },
    "deletes its kernel": { ...wrong, square: inTest('process.kill(process.ppid, "SIGKILL")') },
    "closes the way out": { ...wrong, square: inTest('require("node:fs").closeSync(3)'), finding: "limit" },
    // The file.
    "renames ids": {
      square: goodSquare,
      total: goodTotal,
      deserved: [2, 3],
      change: (cells) => cells.map((each, i) => ({ ...each, id: `c${i}`, metadata: {} })),
      finding: "changed",
    },
    "swaps cells": {
      square: wrongSquare,
      total: goodTotal,
      deserved: [0, 3],
      change: ([title, set, a, testA, title2, b, testB, why]) =>
        [title, testB, set, testA, a, title2, b, why] as TestCell[],
      finding: "moved",
    },
    "deletes the tests": {
      square: wrongSquare,
      total: goodTotal,
      deserved: [0, 3],
      change: (cells) => cells.filter(({ source }) => !/assert\.equal\(square|earned/.test(source)),
      finding: "missing",
    },
    "weakens the tests": {
      ...wrong,
      change: (cells) =>
        cells.map((each) =>
          each.source.includes("assert.equal")
            ? { ...each, source: "1" }
            : each.source.includes("earned")
              ? { ...each, source: `display.raw(${full})` }
              : each,
        ),
      finding: "changed",
    },
    "makes tests of its own": {
      ...wrong,
      change: (cells) => [...cells, cell(`display.raw(${full})`, "test_more", "tests", 100)],
    },
    "copies a test under its id": {
      ...wrong,
      change: (cells) => [...cells, cell(`display.raw(${full})`, "test_total", "tests", 3)],
      finding: "copied",
    },
    "makes the tests text": {
      ...wrong,
      square: goodSquare,
      deserved: [2, 0],
      change: (cells) =>
        cells.map((each) =>
          each.source.includes("assert.equal") ? { ...each, cell_type: "markdown" as const } : each,
        ),
      finding: "retyped",
    },
    "is no notebook": {
      ...wrong,
      file: () => ({ name: "squares.ipynb", bytes: strToU8("[1, 2") }),
      finding: "unreadable",
    },
    "climbs out of a zip": {
      ...wrong,
      square: goodSquare,
      deserved: [2, 0],
      file: (cells) => ({
        name: "../zip",
        bytes: zipSync({
          "../../escaped-from-a-zip.txt": strToU8("I was here"),
          "squares.ipynb": strToU8(notebook(cells)),
        }),
      }),
    },
  };
}

/** Writes the submissions; a zip stands beside the folders. */
export function writeHostile(room: Classroom, submissions: Record<string, Hostile>): void {
  for (const [name, { square, total, first = [], change = (cells: TestCell[]) => cells, file }] of Object.entries(
    submissions,
  )) {
    const [title, set, ...rest] = course(square, total, false) as [TestCell, TestCell, ...TestCell[]];
    const cells = change([title, set, ...rest]);
    const at = Math.min(2, cells.length);
    // Unchecked: a type error would keep an attack from running.
    const own = first.map((source) => cell(source.startsWith("// @ts-nocheck") ? source : `// @ts-nocheck\n${source}`));
    const all = [...cells.slice(0, at), ...own, ...cells.slice(at)];
    const made = file?.(all);
    if (made?.name === "../zip") {
      room.write(`sub/${name}.zip`, made.bytes);
    } else {
      room.write(`sub/${name}/${made?.name ?? "squares.ipynb"}`, made?.bytes ?? notebook(all));
    }
  }
}
