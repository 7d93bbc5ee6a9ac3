/** einsum on the native backend against tfjs's CPU backend, which multiplies and sums element by element. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { type Data, data, expectClose, expectSame, Random, tensor, withGrads } from "./support.ts";

const equations = [
  "bij,bjk->bik",
  "bij,bkj->bik",
  "bji,bjk->bik",
  "bji,bkj->bki",
  "bhid,bhjd->bhij",
  "bihd,bjhd->bhij",
  "bhij,bjhd->bihd",
  "abc,cd->abd",
  "abc,cd->dab",
  "ab,cbd->acd",
  "abcd,db->ca",
  "abcd,bd->ac",
  "i,i->",
  "i,j->ij",
  "i,j->ji",
  "bi,bi->b",
  "bi,bi->bi",
  "bi,ib->ib",
  "ab,cd->abcd",
  "ab,cd->",
  "ab,bc->b",
  "abc,bd->ad",
  "ab,ab->ba",
  ",a->a",
  "a,->a",
  "ij->ji",
  "ij->",
  "ij->i",
  "ij->j",
  "abcd->dba",
  "a->a",
  "->",
  " a b , b c -> a c ",
];
const sizes: Readonly<Record<string, number>> = { a: 3, b: 4, c: 5, d: 6, h: 2, i: 7, j: 3, k: 5 };

/** Operands of an equation, some sizes replaced. */
function operands(equation: string, random: Random, own: Readonly<Record<string, number>> = {}): Data[] {
  const [inputs = ""] = equation.replace(/\s/g, "").split("->");
  return inputs.split(",").map((term) =>
    data(
      random,
      [...term].map((axis) => own[axis] ?? sizes[axis] ?? 1),
    ),
  );
}

const integersOf = ({ values, shape }: Data): tf.Tensor =>
  tf.tensor(
    Int32Array.from(values, (value) => Math.round(value * 9)),
    [...shape],
    "int32",
  );

/** The same sums with broadcasting: every product is made, and summed. */
function writtenOut(equation: string): (...ts: tf.Tensor[]) => tf.Tensor {
  const [inputs = "", out = ""] = equation.replace(/\s/g, "").split("->");
  const terms = inputs.split(",");
  const all = [...new Set(out + terms.join(""))];
  return (...ts) => {
    const spread = ts.map((t, i) => {
      const term = terms[i] ?? "";
      const own = all.filter((axis) => term.includes(axis));
      const turned = tf.transpose(
        t,
        own.map((axis) => term.indexOf(axis)),
      );
      return tf.reshape(
        turned,
        all.map((axis) => (own.includes(axis) ? (t.shape[term.indexOf(axis)] ?? 1) : 1)),
      );
    });
    const product = spread.reduce((a, b) => tf.mul(a, b));
    return tf.sum(
      product,
      Array.from({ length: all.length - out.length }, (_, i) => out.length + i),
    );
  };
}

/** What tfjs 4.22 gets wrong: it leaves out sums over axes that the second operand alone has, and gives an operand away that stays as it is. */
const wrongInTfjs = ["ab,cd->", "ab,bc->b", "a->a", "->"];

/** The shape and values of a function's result on a backend. */
function resultOn(backend: string, f: () => tf.Tensor): [number[], number[]] {
  tf.setBackend(backend);
  const y = tf.tidy(f);
  return [y.shape, [...y.dataSync()]];
}

describe.runIf(engine.available)("einsum", () => {
  it.each(equations)("%s", (equation) => {
    const xs = operands(equation, new Random(51));
    const before = engine.info().fallbackRuns.Einsum;
    if (!wrongInTfjs.includes(equation)) {
      expectSame(() => tf.einsum(equation, ...xs.map((x) => tensor(x))));
      expectSame(() => tf.einsum(equation, ...xs.map(integersOf)), 0);
    }
    const integers = () => xs.map(integersOf);
    expect(resultOn("native", () => tf.einsum(equation, ...integers()))).toEqual(
      resultOn("cpu", () => writtenOut(equation)(...integers())),
    );
    expect(tf.tidy(() => tf.einsum(equation, ...xs.map(integersOf)).dtype)).toBe("int32");
    expect(engine.info().fallbackRuns.Einsum).toBe(before);
  });

  it.each(equations)("%s: gradients on both backends", (equation) => {
    // tfjs has none. Its own of the same sums, written otherwise, is the measure.
    const xs = operands(equation, new Random(52));
    const written = writtenOut(equation);
    for (const backend of wrongInTfjs.includes(equation) ? ["native"] : ["native", "cpu"]) {
      tf.setBackend(backend);
      tf.tidy(() => {
        const got = withGrads(
          (...ts) => tf.einsum(equation, ...ts),
          xs.map((x) => tensor(x)),
        );
        const wanted = withGrads(
          written,
          xs.map((x) => tensor(x)),
        );
        expect(got.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
        got.forEach((t, i) => {
          const difference = tf.max(tf.abs(tf.sub(t, wanted[i] as tf.Tensor))).dataSync()[0];
          expect(difference, `${backend} ${i}`).toBeLessThan(1e-4);
        });
      });
    }
  });

  it("axes of one element and of none", () => {
    for (const equation of equations) {
      for (const axis of "abcdhijk") {
        if (!equation.includes(axis)) {
          continue;
        }
        for (const size of [1, 0]) {
          const xs = operands(equation, new Random(53), { [axis]: size });
          const [shape, values] = resultOn("native", () => tf.einsum(equation, ...xs.map((x) => tensor(x))));
          const [wantedShape, wanted] = resultOn("cpu", () => writtenOut(equation)(...xs.map((x) => tensor(x))));
          expect(shape).toEqual(wantedShape);
          expectClose(Float32Array.from(values), Float32Array.from(wanted), 1e-5, `${equation}, ${axis} = ${size}`);
        }
      }
    }
  });

  it("larger ones, with NaN and infinity", () => {
    const random = new Random(54);
    const xs = operands("bhid,bhjd->bhij", random, { b: 2, h: 3, i: 33, j: 29, d: 40 });
    expectSame(() => tf.einsum("bhid,bhjd->bhij", ...xs.map((x) => tensor(x))));
    const [a, b] = operands("ij,jk->ik", random);
    (a as Data).values[3] = Number.NaN;
    (b as Data).values[4] = Infinity;
    expectSame(() => tf.einsum("ij,jk->ik", tensor(a as Data), tensor(b as Data)));
  });

  it("refuses what tfjs refuses, in its words", () => {
    const [a, b] = [tf.zeros([2, 3]), tf.zeros([4, 5])];
    for (const equation of ["ij,jk->ik", "ij,kl", "ii,kl->ik", "ij,kl->im", "ij->i", "...j,kl->jk"]) {
      const messages = ["cpu", "native"].map((backend) => {
        tf.setBackend(backend);
        try {
          tf.einsum(equation, a, b);
        } catch (error) {
          return (error as Error).message;
        }
        return "none";
      });
      expect(messages[0]).not.toBe("none");
      expect(messages[1]).toBe(messages[0]);
    }
  });

  it("leaves nothing behind", () => {
    tf.setBackend("native");
    const xs = operands("bihd,bjhd->bhij", new Random(55)).map((x) => tensor(x));
    // In WebAssembly, operands move into the module's memory where they are first used.
    tf.einsum("bihd,bjhd->bhij", ...xs).dispose();
    const before = engine.info().memory.used;
    const { numTensors } = tf.memory();
    for (const equation of ["bihd,bjhd->bhij", "bihd,bjhd->ij", "bihd,bjhd->bjhi"]) {
      tf.einsum(equation, ...xs).dispose();
    }
    tf.einsum("bihd->dbhi", xs[0] as tf.Tensor).dispose();
    tf.einsum("bihd->bihd", xs[0] as tf.Tensor).dispose();
    expect(engine.info().memory.used).toBe(before);
    expect(tf.memory().numTensors).toBe(numTensors);
    tf.dispose(xs);
  });
});
