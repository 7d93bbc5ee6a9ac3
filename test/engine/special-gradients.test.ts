/**
 * Values and gradients at zeros of both signs, ones, tiny, huge, infinite and no numbers, against PyTorch's: on every instruction set, and the
 * gradients on tfjs's CPU backend, too. PyTorch's are those in float64, or in float32 where a step between overflows or underflows.
 */
import { readFileSync } from "node:fs";
import { engine, gelu } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { activation } from "../../lib/convbook/nn/functional/activation.ts";
import { instructionSets } from "./support.ts";

type Printed = number | string;
type Call = (...xs: tf.Tensor[]) => tf.Tensor;

interface Case {
  readonly double: Printed[][];
  readonly single: Printed[][];
}

interface Fixture {
  readonly line: Printed[];
  readonly unary: Record<string, Case>;
  readonly a: Printed[];
  readonly b: Printed[];
  readonly binary: Record<string, Case>;
  readonly rows: Printed[][];
  readonly reductions: Record<string, Case>;
  readonly tail: Printed[];
  readonly geluSlope: Printed[];
  readonly places: Record<string, Printed[]>;
}

const fixture: Fixture = JSON.parse(readFileSync(new URL("fixtures/special_gradients.json", import.meta.url), "utf8"));

const calls: Record<string, Call> = {
  leakyRelu: (x) => tf.leakyRelu(x as tf.Tensor, 0.2),
  clipByValue: (x) => tf.clipByValue(x as tf.Tensor, -2, 3),
  softmax: (x) => tf.mul(tf.softmax(x as tf.Tensor), [1, 2, 3]),
  logSoftmax: (x) => tf.mul(tf.logSoftmax(x as tf.Tensor), [1, 2, 3]),
};
for (const name of ["gelu", "silu", "hardswish", "mish", "softplus"] as const) {
  calls[name] = (x) => activation(x as tf.Tensor, name);
}
for (const name of ["logSumExp", "sum", "mean", "max", "min", "prod"]) {
  const reduce = (tf as unknown as Record<string, (x: tf.Tensor | undefined, axis: number) => tf.Tensor>)[name];
  calls[name] = (x) => (reduce as NonNullable<typeof reduce>)(x, 1);
}
calls.cumsum = (x) => tf.cumsum(x as tf.Tensor, 1);

function operation(name: string): Call {
  return calls[name] ?? ((tf as unknown as Record<string, Call>)[name] as Call);
}

/** What tfjs has otherwise than PyTorch on purpose; `part` is 0 for the value, 1 and 2 for the gradients by a and b. */
function isTfjsOwn(name: string, part: number, [a, b]: readonly number[]): boolean {
  const [p, q] = [a as number, b as number];
  if (name === "abs") {
    return part === 1 && Number.isNaN(p);
  }
  // PyTorch itself gives one of two slopes, depending on the length of the tensor.
  if (name === "hardswish") {
    return part === 1 && (p === 3 || Number.isNaN(p));
  }
  if (name === "relu6") {
    return part === 1 && Number.isNaN(p);
  }
  if (name === "pow") {
    return (part === 2 && p < 0) || (Math.abs(p) === 1 && !Number.isFinite(q));
  }
  // 0 is on the side that tfjs leaves as it is.
  if (name === "prelu") {
    return part === 0 && p === 0;
  }
  // At ties tfjs gives all of dy to the first operand, PyTorch half to each.
  if (name === "maximum" || name === "minimum") {
    return part > 0 && p === q;
  }
  // tfjs rounds the quotient down, which may be none, or too small for float32.
  return name === "mod" && part === 2 && (!Number.isFinite(p / q) || Math.fround(p / q) === 0);
}

function isNear(got: number, printed: Printed): boolean {
  const wanted = Number(printed);
  if (Object.is(got, wanted)) {
    return true;
  }
  return Number.isFinite(wanted) && Math.abs(got - wanted) <= Math.max(1e-5 * Math.abs(wanted), 2e-7);
}

function compare(name: string, results: readonly tf.Tensor[], from: number, each: Case, points: readonly number[][]) {
  for (const [k, result] of results.entries()) {
    const part = from + k;
    for (const [i, got] of result.dataSync().entries()) {
      const point = points[i] ?? [];
      const wanted = [each.double, each.single].map((list) => (list[part] as Printed[])[i] as Printed);
      if (isTfjsOwn(name, part, point) || wanted.some((printed) => isNear(got, printed))) {
        continue;
      }
      const what = part === 0 ? "value" : `gradient ${part}`;
      expect.fail(`${name}(${point.join(", ")}), ${what}: got ${got}, PyTorch gives ${wanted.join(" or ")}`);
    }
  }
}

const numbers = (list: readonly Printed[]) => list.map(Number);

const places = [{ backend: "cpu", isa: undefined as string | undefined }];
if (engine.available) {
  for (const isa of instructionSets) {
    places.push({ backend: "native", isa });
  }
}

describe.each(places)("on $backend ($isa)", ({ backend, isa }) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    if (isa !== undefined) {
      engine.setInstructionSet(isa);
    }
  });
  afterAll(() => {
    if (isa !== undefined) {
      engine.setInstructionSet(undefined);
    }
  });

  const check = (name: string, each: Case, inputs: tf.Tensor[], points: number[][], valuePoints = points) => {
    const f = operation(name);
    // Values on the CPU backend are tfjs's kernels' own.
    if (backend === "native" || name === "logSumExp") {
      compare(name, [f(...inputs)], 0, each, valuePoints);
    }
    compare(name, tf.grads(f)(inputs), 1, each, points);
  };

  it.each(Object.entries(fixture.unary))("%s", (name, each) => {
    const line = numbers(fixture.line);
    tf.tidy(() =>
      check(
        name,
        each,
        [tf.tensor1d(line)],
        line.map((x) => [x]),
      ),
    );
  });

  it.each(Object.entries(fixture.binary))("%s", (name, each) => {
    const [a, b] = [numbers(fixture.a), numbers(fixture.b)];
    const points = a.map((p, i) => [p, b[i] as number]);
    tf.tidy(() => check(name, each, [tf.tensor1d(a), tf.tensor1d(b)], points));
  });

  it.each(Object.entries(fixture.reductions))("%s", (name, each) => {
    const rows = fixture.rows.map(numbers);
    const points = rows.flatMap((row) => row.map((_, i) => [...row, i]));
    // Of equal ones PyTorch gives one the gradient, tfjs each.
    const kept = /max|min/.test(name)
      ? rows.flatMap((row, i) => (new Set(row.map((x) => x + 0)).size === row.length ? [i] : []))
      : rows.map((_, i) => i);
    const width = 3;
    const pick = (list: Printed[]) =>
      list.length === rows.length
        ? kept.map((i) => list[i] as Printed)
        : kept.flatMap((i) => list.slice(i * width, (i + 1) * width));
    const some = { double: each.double.map(pick), single: each.single.map(pick) };
    const keptPoints = kept.flatMap((i) => points.slice(i * width, (i + 1) * width));
    const perRow = (some.double[0] as Printed[]).length === kept.length;
    const valuePoints = perRow ? kept.map((i) => rows[i] as number[]) : keptPoints;
    tf.tidy(() => check(name, some, [tf.tensor2d(kept.map((i) => rows[i] as number[]))], keptPoints, valuePoints));
  });

  it.each([
    ["any", tf.any],
    ["all", tf.all],
  ] as const)("%s takes NaN for true", (name, reduce) => {
    tf.tidy(() => {
      const x = tf.cast(tf.tensor2d(fixture.rows.map(numbers)), "bool");
      expect(Array.from(reduce(x, 1).dataSync())).toEqual(fixture.places[name]);
    });
  });
});

describe.runIf(engine.available)("the slope of exact GELU", () => {
  it("keeps its tail: within 48 units in the last place from -12 to 12, and 16 from -6 on", async () => {
    await tf.setBackend("native");
    const x = numbers(fixture.tail);
    const slopes = tf.tidy(() =>
      tf
        .grad((t: tf.Tensor) => gelu(t))(tf.tensor1d(x))
        .dataSync(),
    );
    for (const [i, wanted] of numbers(fixture.geluSlope).entries()) {
      const at = x[i] as number;
      // The slope crosses 0 at -0.75, where the terms' own rounding is what is left.
      const scale = Math.abs(at + 0.75) < 0.2 ? 0.25 : Math.abs(wanted);
      const ulp = 2 ** (Math.floor(Math.log2(scale)) - 23);
      const error = Math.abs((slopes[i] as number) - wanted) / ulp;
      expect(error, `at ${at}: got ${slopes[i]}, float64 gives ${wanted}`).toBeLessThan(at < -6 ? 48 : 16);
    }
  });
});
