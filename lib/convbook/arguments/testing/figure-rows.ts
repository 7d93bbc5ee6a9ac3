/** Rows for figures, tables and pictures, for saved files and for hyper-parameters. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as convbook from "../../index.ts";
import { call } from "./nn-rows.ts";
import { type Argument, arg, flag, maybe, options, type Row, text, whole } from "./probe.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
const { hparam } = convbook;
const parser = (
  name: string,
  parse: (owner: string, option: string, value: unknown) => unknown,
  good: unknown,
  ...bad: unknown[]
): Row => ({
  name: `hparam.${name}`,
  args: [arg("option", good, { bad, also: /activation|colour/ })],
  call: (value) => parse("Model", "option", value),
});
const title = () => maybe(text("title", "a"));
const size = (name: string) => maybe(arg(name, 100, { bad: ["1", 0] }));
const common = () => [title(), maybe(text("xLabel", "a")), maybe(text("yLabel", "a")), maybe(text("alt", "a"))];
const numbers = (name: string, good: unknown, ...bad: unknown[]) => arg(name, good, { bad: [[], 5, ...bad] });
const names = (name: string, good: readonly string[]) => maybe(arg(name, good, { bad: [["a"], [1, 2], 5] }));
const tensors = new Map([["a", { dtype: "float32", shape: [1], data: new Float32Array(1) }]]);
const path = (name: string) => arg("path", join(folder, name), { accepts: ['"x"'], bad: ["", [], 5] });
const inFolder = (name: string, ...rest: Argument[]): Row => ({
  name,
  args: [path("a.safetensors"), ...rest],
  // What is right with a path of one letter would be written here.
  call: async (where, ...given) =>
    await (Reflect.get(convbook, name) as (...given: unknown[]) => unknown)(
      where === "x" ? join(folder, "x") : where,
      ...given,
    ),
});

export const figureRows: readonly Row[] = [
  parser("boolean", hparam.boolean, true, 1, "true"),
  parser("booleans", hparam.booleans, [true], [1], "true"),
  parser("integer", hparam.integer(1, 5), 2, 0, 1.5, 6, "2"),
  parser("integers", hparam.integers(1, 5), [2], [], [0], [1.5], ["2"], 2),
  parser("number", hparam.number(0, 1), 0.5, 2, "0.5"),
  parser("activationName", hparam.activationName, "relu", ["relu"]),
  parser("choice", hparam.choice("colour", ["red"]), "red", ["red"]),
  call("modelNames"),
  call(
    "createModel",
    arg("name", "ResNet", { bad: [3], also: /model/ }),
    maybe(
      arg(
        "hparams",
        { numClasses: 2 },
        { accepts: ["{}", "null"], bad: [{ numClasses: 0 }, 3], also: /hyper-parameters|numClasses/ },
      ),
    ),
  ),
  call(
    "flowchart",
    options(
      "options",
      arg("nodes", [{ name: "a", lines: ["a"] }], { bad: [[], [5], [{ name: "a" }], [{ name: "a", lines: [5] }]] }),
      arg("edges", [], { bad: [5, [5], [{ from: "a", to: "b" }]] }),
      title(),
      maybe(text("alt", "a")),
    ),
  ),
  call("bars", options("options", numbers("values", { a: 1 }), flag("horizontal"), ...common())),
  call(
    "curves",
    options(
      "options",
      numbers("series", { a: [1, 2] }, { a: 5 }),
      maybe(arg("smoothing", 0.5, { bad: [1, "0.5"] })),
      maybe(arg("references", { b: [1, 2] }, { accepts: ["{}"], bad: [5] })),
      size("width"),
      size("height"),
      ...common(),
    ),
  ),
  call(
    "linkedCurves",
    options(
      "options",
      arg("panels", { loss: { a: [1, 2] } }, { bad: [[], 5, {}, { loss: {} }, { loss: { a: 5 } }] }),
      maybe(arg("smoothing", 0.5, { bad: [1, "0.5"] })),
      flag("logY", false),
      size("width"),
      size("height"),
      title(),
      maybe(text("xLabel", "a")),
      maybe(text("alt", "a")),
    ),
  ),
  call(
    "histogram",
    options(
      "options",
      numbers("values", [1, 2], { a: 5 }),
      maybe(whole("bins", 4)),
      flag("density"),
      size("width"),
      size("height"),
      ...common(),
    ),
  ),
  call(
    "heatmap",
    options(
      "options",
      arg(
        "values",
        [
          [1, 2],
          [3, 4],
        ],
        { bad: [[], 5, [5], [[1], [1, 2]]] },
      ),
      names("xLabels", ["a", "b"]),
      names("yLabels", ["a", "b"]),
      ...common(),
    ),
  ),
  call(
    "confusionMatrixFigure",
    options(
      "options",
      arg(
        "matrix",
        [
          [1, 2],
          [3, 4],
        ],
        { bad: [[], 5, [5], [[1], [1, 2]]] },
      ),
      names("labels", ["a", "b"]),
      ...common(),
    ),
  ),
  call(
    "scatter",
    options(
      "options",
      arg("points", [{ x: 1, y: 2 }], { bad: [[], 5, [5], [{ x: 1 }]] }),
      size("width"),
      size("height"),
      ...common(),
    ),
  ),
  call(
    "table",
    arg("rows", [{ a: 1 }], { bad: [5, [5]] }),
    maybe(
      options(
        "options",
        maybe(arg("columns", ["a"], { accepts: ["{}"], bad: [["b"], 5] })),
        maybe(arg("formats", { a: "integer" }, { accepts: ["{}"], bad: [{ a: "no" }] })),
        maybe(text("caption", "a")),
      ),
    ),
  ),
  inFolder("saveTorch", arg("value", { a: 1 }, { accepts: ["undefined", "{}", '"x"', "-1", "NaN", "null"] })),
  inFolder(
    "saveSafetensors",
    arg("tensors", tensors, { bad: [5, new Map([["a", 5]])], also: /Tensor "a"/ }),
    maybe(
      options(
        "options",
        maybe(arg("floatType", "float16", { bad: ["float8", 16] })),
        maybe(arg("metadata", { a: "b" }, { accepts: ["{}"], bad: [{ a: 1 }, 5] })),
      ),
    ),
  ),
  inFolder(
    "saveCheckpoint",
    arg("data", { a: 1 }, { accepts: ["{}"], bad: [5, []] }),
    maybe(
      options(
        "options",
        maybe(arg("format", "torch", { bad: ["zip"] })),
        maybe(arg("floatType", "float16", { bad: ["float8", 16] })),
      ),
    ),
  ),
];
