/** Type errors in the modules that a cell imports stop the cell before it runs. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { errorOf, KernelUnderTest, pythonHas, resultOf, streamOf, TestFolder } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("types of imported modules", () => {
  let kernel: KernelUnderTest;
  let top = "";
  let folder = "";
  let own: TestFolder;
  const write = (file: string, text: string) => own.write(file, text);
  beforeEach(async () => {
    own = new TestFolder();
    top = own.path;
    folder = join(top, "notebooks");
    mkdirSync(folder);
    kernel = await KernelUnderTest.start({ folder, env: { CONVBOOK_TYPES_WAIT: "600000" } });
  });
  afterEach(async () => {
    await kernel.close();
    own.remove();
  });

  const value = (code: string) => kernel.value(code);
  const failure = (code: string) => kernel.failure(code);

  it("are told with file, position and code, before anything runs", async () => {
    write("notebooks/util.ts", 'console.log("ran");\nexport const f = (n: number): string => {\n  return n;\n};\n');
    const result = await kernel.execute('console.log("the cell"); import { f } from "./util"; f(1)');
    const { ename, evalue, traceback } = errorOf(result);
    expect(ename).toBe("TypeScriptError");
    expect(evalue).toBe(`TS2322: Type 'number' is not assignable to type 'string'. (${join(folder, "util.ts")}:3:3)`);
    expect(traceback.join("\n")).toContain("3 |   return n;");
    expect(streamOf(result)).toBe("");
  });

  it("are told of what modules import, in circles, of linked packages too, after those of the cell", async () => {
    write("notebooks/a.ts", 'import { b } from "./b"; import { w } from "linked"; export const a = () => [b(), w];');
    write(
      "notebooks/b.ts",
      'import { a } from "./a"; export const b = (): unknown => a; export const bad: number = "b";',
    );
    write("packages/linked/package.json", '{ "name": "linked", "type": "module", "exports": "./index.ts" }');
    write("packages/linked/index.ts", "export const w: string = 1;");
    mkdirSync(join(folder, "node_modules"));
    symlinkSync("../../packages/linked", join(folder, "node_modules/linked"));
    const { traceback } = await failure('import { a } from "./a"; const n: number = "cell"; a()');
    const places = traceback.flatMap((line: string) => /TS\d+: .*\((.*)\)$/.exec(line)?.[1] ?? []);
    expect(places[0]).toMatch(/^In \[1\]:1:\d+$/);
    expect(places.slice(1).sort()).toEqual(
      [join(folder, "b.ts:1:74"), join(top, "packages/linked/index.ts:1:14")].sort(),
    );
  });

  it("follow edits, and stay clean where a file, a cell or the notebook says so", async () => {
    const cell = 'import { n } from "./n"; n';
    write("notebooks/n.ts", 'import { m } from "./m"; export const n: number = m;');
    write("notebooks/m.ts", "export const m = 1;");
    expect(await value(cell)).toBe("1");
    write("notebooks/m.ts", 'export const m = "text";');
    expect((await failure(cell)).evalue).toContain(
      `TS2322: Type 'string' is not assignable to type 'number'. (${join(folder, "n.ts")}:1:39)`,
    );
    expect(await value(`// @ts-nocheck\n${cell}`)).toBe("'text'");
    const warned = await kernel.execute(`// @convbook-types: warn\n${cell}`);
    expect(resultOf(warned)).toBe("'text'");
    expect(streamOf(warned, "stderr")).toContain(`(${join(folder, "n.ts")}:1:39)`);
    write("notebooks/n.ts", '// @ts-nocheck\nimport { m } from "./m"; export const n: number = m;');
    expect(await value(cell)).toBe("'text'");
    write("notebooks/n.ts", 'import { late } from "./late"; export const n: number = late;');
    expect((await failure(cell)).evalue).toContain(`TS2307: Cannot find module './late'`);
    write("notebooks/late.ts", "export const late = 3;");
    expect(await value(cell)).toBe("3");
    await value("%types off");
    write("notebooks/late.ts", 'export const late: number = "off";');
    expect(await value(cell)).toBe("'off'");
  });

  it("are told of files that are reached through a link to their folder", async () => {
    write("src/part.ts", "export const pid: number = process.pid;");
    symlinkSync("../src", join(folder, "lib"));
    expect(await value('import { pid } from "./lib/part"; pid > 0')).toBe("true");
    write("src/part.ts", "export const pid: string = process.pid;");
    expect((await failure('import { pid } from "./lib/part"; pid')).evalue).toContain("TS2322");
  });

  it("need no annotations, as cells do not, and hold by the module's own tsconfig.json where it has one", async () => {
    write("notebooks/plain.ts", "export function twice(x) { return 2 * x }");
    expect(await value('import { twice } from "./plain"; twice(2)')).toBe("4");
    write("src/tsconfig.json", '{ "compilerOptions": { "strict": false, "types": [] }, "include": ["*.ts"] }');
    write("src/loose.ts", "export const none: string = null; export const pid = process.pid > 0;");
    expect(await value('import { none, pid } from "../src/loose"; [none, pid]')).toBe("[ null, true ]");
    write("src/wrong.ts", 'export const none: string = null;\nexport const wrong: number = "x";');
    const { evalue, traceback } = await failure('import { wrong } from "../src/wrong"; wrong');
    expect(evalue).toContain(`(${join(top, "src/wrong.ts")}:2:14)`);
    expect(traceback.join("\n")).not.toContain(":1:14");
  });
});
