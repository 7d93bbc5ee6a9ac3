import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNotebook } from "nbconvert-ts-runner";
import { expect, test } from "vitest";
import { cellWith, folderWith, kernelDir, notebookOf } from "./testing/notebooks.ts";
import { NotDoneYet, todo } from "./todo.ts";

test("a hole throws its hint when it runs", () => {
  expect(() => todo<number>("x + F(x)")).toThrow(new NotDoneYet("x + F(x)"));
  try {
    todo("x + F(x)");
  } catch (error) {
    expect(error).toMatchObject({ name: "NotDoneYet", message: "not done yet: x + F(x)", hint: "x + F(x)" });
  }
  expect(() => Reflect.apply(todo, undefined, [3])).toThrow("todo: hint must be a text, got 3");
});

test("untouched work has no errors of types, and a student's are the student's own", async () => {
  const cells = [
    'import { todo } from "@convbook/classroom/todo";\nfunction twice(x: number): number {\n  return todo<number>("2 x");\n}',
    'const width = todo<number>("a width");\nconst size: number = todo("another");',
    "twice(1).toFixed();",
    // A hole's type stands, its value does not.
    "twice(width).toFixed(size);",
    // A student's answers, right and wrong.
    "const answer: number = 2 * 3;",
    'const wrong: number = "two";',
  ];
  const folder = folderWith({ "a.ipynb": notebookOf(cells.map((source) => cellWith("code", source))) });
  const { notebook } = await runNotebook(join(folder, "a.ipynb"), {
    output: null,
    allowErrors: true,
    kernelDir,
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  const errors = notebook.cells.map((cell) => {
    const error = cell.cell_type === "code" ? cell.outputs.find((output) => output.output_type === "error") : undefined;
    return error?.output_type === "error" ? `${error.ename}: ${error.evalue}` : undefined;
  });
  expect(errors).toEqual([
    undefined,
    "NotDoneYet: not done yet: a width",
    "NotDoneYet: not done yet: 2 x",
    "ReferenceError: width has no value: the cell that declares it did not come to that line",
    undefined,
    expect.stringContaining("TS2322: Type 'string' is not assignable to type 'number'. (In [6]:1:7)"),
  ]);
});
