import { expect, it } from "vitest";
import { expectSyntax, type SyntaxRule } from "./syntax.ts";

function uses(code: unknown, rule: SyntaxRule): boolean {
  try {
    expectSyntax(code, { required: [rule] });
    return true;
  } catch {
    return false;
  }
}

it("finds what code uses, and not what it mentions", () => {
  const cases: [source: string, rule: SyntaxRule, found: boolean][] = [
    ["for (const x of xs) f(x);", "loop", true],
    ["for (const x of xs) f(x);", "while", false],
    ["do { x++ } while (x < 3)", "loop", true],
    ["// for (;;) {}\nconst s = 'while (true) {}';", "loop", false],
    ["xs.map((x) => x + 1)", "loop", false],
    ["const f = (n: number): number => n < 2 ? 1 : n * f(n - 1);", "recursion", true],
    ["class A { walk(n: number): void { this.walk(n - 1); } }", "recursion", true],
    ["function f() { return g(); }", "recursion", false],
    ["tf.conv2d(x, w, 1, 'same')", "call tf.conv2d", true],
    ["x.conv2d(w)", "call conv2d", true],
    ["x.conv2d(w)", "call tf.conv2d", false],
    ["(x as tf.Tensor4D).conv2d(w)", "call conv2d", true],
    ["const conv2d = 3;", "call conv2d", false],
    ["x?.relu()", "call relu", true],
    ["x['relu']()", "call relu", true],
    ["new nn.Conv2d(1, 2, { kernelSize: 3 })", "new nn.Conv2d", true],
    ["new nn.Conv2d(1, 2, { kernelSize: 3 })", "new Conv2d", true],
    ["class B extends nn.Module<[x: tf.Tensor], tf.Tensor> {}", "extends Module", true],
    ["import { readFile } from 'node:fs/promises';", "import node:fs/promises", true],
    ["await import('node:fs')", "import node:fs", true],
    ["const a: fetch = 1;", "name fetch", false],
    ["fetch('x')", "name fetch", true],
    ["await f()", "node AwaitExpression", true],
    ["eval('1')", "eval", true],
    ["enum Kind { A = f(1) }", "call f", true],
  ];
  for (const [source, rule, found] of cases) {
    expect([source, rule, uses(source, rule)]).toEqual([source, rule, found]);
  }
});

it("reads functions, methods and classes, whatever they say of themselves", () => {
  const object = {
    async method(xs: number[]) {
      for (const x of xs) {
        await x;
      }
    },
    *all() {
      yield 1;
    },
  };
  class Block {
    forward(x: number): number {
      return Math.max(x, 0);
    }
  }
  Block.toString = () => "class Block { forward() { for (;;) {} } }";
  expect(uses(object.method, "loop")).toBe(true);
  expect(uses(object.all, "node YieldExpression")).toBe(true);
  expect(uses(Block, "call Math.max")).toBe(true);
  expect(uses(Block, "loop")).toBe(false);
  expect(uses((x: number) => x, "node ArrowFunctionExpression")).toBe(true);
});

it("says what is missing, what is too much and where", () => {
  expect(() => expectSyntax("const a = 1;", { required: ["call tf.add"] })).toThrow(
    "Your code does not use tf.add(), which this task asks for",
  );
  const looped = "const a = 1;\nlet b = 0;\nwhile (b < 3) { b++; }";
  expect(() => expectSyntax(looped, { forbidden: ["loop"] })).toThrow(
    expect.objectContaining({ message: "Your code uses a loop, which this task rules out", got: "a loop in line 3" }),
  );
  expect(() => expectSyntax(Math.max, {})).toThrow("The code of this function cannot be seen");
  expect(() => expectSyntax((() => 1).bind(null), {})).toThrow("The code of this function cannot be seen");
  expect(() => expectSyntax(undefined, {})).toThrow("There is no code to look at");
  expect(() => expectSyntax("const = ;", {})).toThrow("The code cannot be read as TypeScript");
  expect(() => expectSyntax("1", { required: ["lop" as SyntaxRule] })).toThrow(
    'expectSyntax: there is no rule "lop"; there are loop, for, while, recursion, eval, call, new, name, import, extends, node',
  );
});
