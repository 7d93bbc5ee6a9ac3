/** Parameters of every way to declare them, through real kernels: the kernel, which checks types, has the last word on a value. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { hasJupyter, kernelDir, runCommand, temporaryFolder, writeNotebook } from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

type Kernel = "convbook" | "python3";

/** What the cell behind the parameters prints. */
async function printed(
  name: string,
  kernel: Kernel,
  source: string,
  print: string,
  ...args: string[]
): Promise<string> {
  const path = writeNotebook(folder, `${name}.ipynb`, [{ source, tags: ["parameters"] }, print], kernel);
  const own = kernel === "convbook" ? ["--kernel-dir", kernelDir] : [];
  const result = await runCommand([path, "-o", "out", ...own, ...args], { cwd: folder });
  expect(result.code, result.stdout + result.stderr).toBe(0);
  const { cells } = JSON.parse(readFileSync(join(folder, "out", `${name}.ipynb`), "utf8"));
  return [...cells.at(-1).outputs[0].text].join("");
}

const given = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).flatMap(([name, value]) => ["-p", name, value]);

describe("TypeScript", () => {
  test("every declaration takes a value, and the value has the declared type", async () => {
    const source = `let foo: any;
var v=1, w = "x";
const {a, b: [c]} = { a: 1, b: [2] };
let [p] = [1];
export let x: number = 1;
let big: number = 1;
let bigs: number[] = [
  1,
];
let exact: bigint = 1n;
let day: string = "2019-01-01", mode: "fast" | "slow" = "fast";
let options: { rate: number; name?: string } = { rate: 1 };
let none: string | null = "x";`;
    const values = {
      ...{ foo: '{"k": [1.0, null]}', w: "y z", a: "10", c: "20", p: "-3", x: "-1e-3", big: "12345678901234567890" },
      ...{ bigs: "[12345678901234567890, 1]", exact: "12345678901234567890", day: "2020-02-29", mode: "slow" },
      ...{ options: '{"rate": 1.0, "name": "n"}', none: "null", v: "7" },
    };
    const print = "console.log(JSON.stringify([foo, v, w, a, c, p, x, big, bigs, day, mode, options, none]), exact)";
    expect(await printed("all", "convbook", source, print, ...given(values))).toBe(
      `${JSON.stringify([{ k: [1, null] }, 7, "y z", 10, 20, -3, -0.001, 12345678901234567000, [12345678901234567000, 1], "2020-02-29", "slow", { rate: 1, name: "n" }, null])} 12345678901234567890n\n`,
    );
  });
});

describe.runIf(hasJupyter)("Python", () => {
  test("every declaration takes a value, spelled as it was given", async () => {
    const source =
      "foo: int\na = b = 1\nc, (d, *e) = 1, (2, 3)\nf = 1; g = 'x'\nlr = 0.5\nh = {\n  'k': 1,\n}\ni = None";
    const values = {
      ...{
        foo: "3",
        a: "-1",
        b: "1.0",
        c: "1e-3",
        d: "12345678901234567890",
        e: "[1.50, null]",
        f: "-7",
        g: "2019-01-01",
      },
      ...{ lr: "1.0", h: '{"10": 1, "2": true}', i: "text" },
    };
    const text = await printed(
      "python",
      "python3",
      `import json\n${source}`,
      "print([foo, a, b, c, d, e, f, g, lr, h, i])",
      ...given(values),
    );
    expect(text).toBe(
      "[3, -1, 1.0, 0.001, 12345678901234567890, [1.5, None], -7, '2019-01-01', 1.0, {'10': 1, '2': True}, 'text']\n",
    );
  });
});
