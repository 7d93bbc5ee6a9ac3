/** `%time`, `%timeit` and their cells, as IPython has them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, resultOf, streamOf } from "./harness.ts";

describe.runIf(pythonHas("jupyter_client"))("timing magics", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start();
  });
  afterAll(() => kernel?.close());

  it("%time keeps what its line declares, with its types", async () => {
    const timed = await kernel.execute("%time let x: number = 5\nx + 1");
    expect(resultOf(timed)).toBe("6");
    expect(streamOf(timed)).toMatch(/^Wall time: [\d.]+ (?:µs|ms)\n$/);
    expect((await kernel.execute('x = "five"')).reply.content.evalue).toMatch(/^TS2322/);
    await kernel.execute("%time class Box { side = 2 }\n%time function area(box: Box) { return box.side ** 2 }");
    expect(resultOf(await kernel.execute("area(new Box())"))).toBe("4");
  });

  it("%%time keeps them, too; %timeit and %%timeit do not, as in IPython", async () => {
    expect(streamOf(await kernel.execute("%%time\nlet y = 7"))).toMatch(/^Wall time: /);
    expect(resultOf(await kernel.execute("y"))).toBe("7");
    await kernel.execute("%timeit -n 1 -r 1 let z = 1");
    await kernel.execute("%%timeit -n 1 -r 1\nlet z = 1");
    expect((await kernel.execute("z")).reply.content.evalue).toMatch(/^TS2304: Cannot find name 'z'/);
  });

  it("%timeit runs as often as it is told, and waits for promises", async () => {
    await kernel.execute(
      "let calls = 0; const slow = () => new Promise((done) => setTimeout(done, 30)).then(() => calls++);",
    );
    const timed = await kernel.execute("%timeit -n 2 -r 3 slow()");
    expect(streamOf(timed)).toMatch(
      /^[\d.]+ m?s ± [\d.]+ (?:m|µ|n)?s per loop \(mean ± std\. dev\. of 3 runs, 2 loops each\)\n$/,
    );
    expect(resultOf(await kernel.execute("calls"))).toBe("6");
    await kernel.execute("let prepared = 0;");
    await kernel.execute("%%timeit -n 5 -r 2 prepared++\ncalls++");
    expect(resultOf(await kernel.execute("[prepared, calls]"))).toBe("[ 2, 16 ]");
  });

  it("%timeit finds out by itself how many loops it takes", async () => {
    const timed = await kernel.execute("%timeit -r 2 Math.sqrt(2)");
    expect(streamOf(timed)).toMatch(
      / ns per loop \(mean ± std\. dev\. of 2 runs, 10{0,3}(?:,000){1,3} loops each\)\n$/,
    );
  });

  it("errors say where in the user's own line they are", async () => {
    const at = async (code: string) =>
      /\(?In \[\d+\]:\d+:\d+\)?/.exec((await kernel.execute(code)).reply.content.traceback.join("\n"))?.[0];
    expect(await at("1\n%time let wrong: number = 'a'")).toMatch(/:2:11\)$/);
    expect(await at("%time missing1.property")).toMatch(/:1:7\)$/);
    expect(await at("%timeit -n 1  missing2")).toMatch(/:1:15\)$/);
    expect(await at("  %time let = 5 5")).toMatch(/:1:17\)$/);
    expect(await at("%time (() => { throw new Error('here') })()")).toMatch(/:1:22\)?$/);
  });

  it("completes and explains in the line of a magic", async () => {
    const reply = await kernel.request("complete_request", { code: "%time Math.sq", cursor_pos: 13 });
    expect(reply.reply.content).toMatchObject({ matches: ["sqrt"], cursor_start: 11, cursor_end: 13 });
    const help = await kernel.request("inspect_request", {
      code: "%timeit Math.sqrt(2)",
      cursor_pos: 15,
      detail_level: 0,
    });
    expect(help.reply.content.data["text/plain"]).toContain("Math.sqrt(x: number): number");
  });

  it("what an import is timed with works as the error says", async () => {
    const line = await kernel.execute('%time import * as fs from "node:fs"');
    expect(line.reply.content.evalue).toMatch(/^%time cannot time an import: .* Begin the cell with %%time instead$/);
    const cell = await kernel.execute('%%time\nimport * as fs from "node:fs"');
    expect(streamOf(cell)).toMatch(/^Wall time: /);
  });

  it("an interrupt ends what is timed for long", async () => {
    const stopped = await kernel.execute("%timeit Math.sin(1)", { interrupt_after: 0.3 });
    expect(stopped.reply.content.ename).toBe("KeyboardInterrupt");
    expect(resultOf(await kernel.execute("1 + 1"))).toBe("2");
  });
});
