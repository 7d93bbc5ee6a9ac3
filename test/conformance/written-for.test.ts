/** What the kernelspec's name, which Jupyter writes into the connection file, says of how cells are checked. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, type StartOptions } from "./harness.ts";

/** The front of a queue may be null, as in https://github.com/icyphy/cal-analyzer, whose notebooks never import tslab. */
const loose =
  "function front(queue: number[]): number | null { return queue[0] ?? null }\nconst first: number = front([5]); first";
const wrong = 'const text: number = "five"; text';
const prototype = "function Person(name) { this.name = name }\nlater = new Person('Ada').name; later.toUpperCase()";

describe.runIf(pythonHas("jupyter_client"))("a kernel that is started as", () => {
  let kernel: KernelUnderTest | undefined;
  afterEach(() => kernel?.close());

  const outcome = async (code: string) => {
    const { content } = (await (kernel as KernelUnderTest).execute(code)).reply;
    return content.status === "ok" ? "ok" : content.evalue.slice(0, 6);
  };
  const start = async (options: StartOptions) => {
    kernel = await KernelUnderTest.start(options);
    return kernel;
  };

  it("convbook checks strictly", async () => {
    await start({ name: "convbook" });
    expect([await outcome(loose), await outcome(wrong), await outcome(prototype)]).toEqual([
      "TS2322",
      "TS2322",
      "TS2683",
    ]);
  });

  it("tslab checks as tslab does", async () => {
    await start({ name: "tslab" });
    expect([await outcome(loose), await outcome(wrong)]).toEqual(["ok", "TS2322"]);
  });

  it("tslab checks as the folder's tsconfig.json says where there is one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "written-for-"));
    writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "strict": true } }');
    await start({ name: "tslab", folder });
    expect(await outcome(loose)).toBe("TS2322");
    rmSync(folder, { recursive: true });
  });

  it.each(["jslab", "javascript"])(
    "%s takes cells as plain JavaScript until the notebook asks for more",
    async (name) => {
      await start({ name });
      expect([await outcome(prototype), await outcome(wrong)]).toEqual(["ok", "ok"]);
      expect(await outcome(`%types error\n${wrong}`)).toBe("TS2322");
    },
  );

  it("convbook goes on as tslab's where a cell imported tslab, also when the checker had to be started again", async () => {
    await start({ name: "convbook" });
    expect(await outcome('import * as tslab from "tslab"; tslab.display.text("a")')).toBe("ok");
    process.kill(checkerOf((kernel as KernelUnderTest).pid), "SIGKILL");
    // A cell may still meet the one that ended.
    await expect.poll(() => outcome(loose), { timeout: 300_000 }).toBe("ok");
  });
});

/** The process of the type checker, a child of the kernel's. */
function checkerOf(kernel: number): number {
  const stat = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      return "";
    }
  };
  const found = readdirSync("/proc").find((pid) => new RegExp(`^${pid} \\(tsc\\) \\S ${kernel} `).test(stat(pid)));
  return Number(found);
}
