import { expect, it } from "vitest";
import type { Result } from "../results/index.ts";
import { resultOf } from "../results/testing/results.ts";
import { similarPairs } from "./similar.ts";
import { tokensOf } from "./tokens.ts";
import { allHashesOf, fingerprintsOf } from "./winnow.ts";

const original = `
// The block.
class Block extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly #first = new nn.Conv2d(16, 16, { kernelSize: 3, padding: 1 });
  readonly norm = new nn.BatchNorm2d(16);
  forward(x: tf.Tensor4D): tf.Tensor4D {
    const inner = this.norm.forward(this.#first.forward(x));
    if (inner.shape[3] !== x.shape[3]) {
      throw new Error("the widths differ");
    }
    return tf.relu(tf.add(inner, x));
  }
}`;

/** The same with other names, texts, numbers, layout and comments. */
const renamed = `class Residual extends nn.Module<[input: tf.Tensor4D], tf.Tensor4D> {
  /* mine */ readonly #a = new nn.Conv2d(32, 32, { kernelSize: 5, padding: 2 })
  readonly bn = new nn.BatchNorm2d(32)
  forward(input: tf.Tensor4D): tf.Tensor4D { const y = this.bn.forward(this.#a.forward(input))
    if (y.shape[3] !== input.shape[3]) { throw new Error('no') }
    return tf.relu(tf.add(y, input)) } }`;

const other = `
function makeBlock(width: number) {
  const layers = [conv(width), norm(width), relu()];
  return { forward: (x: tf.Tensor4D) => layers.reduce((value, layer) => layer(value), x).add(x), width, layers };
}
async function train(steps: number) { for (let i = 0; i < steps; i++) { await step(i); losses.push(i ** 2); } }
export const learningRate = (epoch: number) => epoch < 10 ? 0.1 : epoch < 20 ? 0.01 : 0.001 * Math.cos(epoch);`;

const submission = (student: string, source: string, given = ""): Result =>
  resultOf(student, [], { answers: [{ cell: "block", type: "code", source, given }] });

it("reads code as names, numbers, texts and what the language has", () => {
  expect(tokensOf("const a1 = f(0x1F, 2.5, .5) // no\n  ?? this.#b['x'] + `y`; /* no */")).toEqual(
    "const n = n ( 0 , 0 , 0 ) ?? this . # n [ s ] + s".split(" "),
  );
  expect(tokensOf(original)).toEqual(tokensOf(renamed));
});

it("reads what never ends to its end, once", () => {
  expect(tokensOf("a /* b; `c")).toEqual(["n"]);
  expect(tokensOf("a `b; /* c \\\n d")).toEqual(["n", "s"]);
  // Each of these would be looked for an end of, through all of the rest.
  expect(tokensOf(`a ${"/* ".repeat(300_000)}`)).toEqual(["n"]);
});

// What the paper promises: https://theory.stanford.edu/~aiken/publications/papers/sigmod03.pdf
it("finds whatever 16 tokens two texts share, wherever it stands", () => {
  const shared = Array.from({ length: 16 }, (_, i) => `shared${i}`);
  for (let before = 0; before < 12; before++) {
    const filler = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`);
    const a = fingerprintsOf([...filler("a", before), ...shared, ...filler("b", 20)]);
    const b = fingerprintsOf([...filler("c", 30 - before), ...shared, ...filler("d", before)]);
    expect([...a].filter((hash) => b.has(hash)).length).toBeGreaterThan(0);
  }
});

it("keeps part of all hashes, and none of what is too short", () => {
  const tokens = tokensOf(original + other);
  const [all, kept] = [allHashesOf(tokens), fingerprintsOf(tokens)];
  expect([...kept].every((hash) => all.has(hash))).toBe(true);
  expect(kept.size).toBeLessThan(all.size / 2);
  expect(fingerprintsOf(tokens.slice(0, 11)).size).toBe(0);
  expect(fingerprintsOf(tokens.slice(0, 12)).size).toBe(1);
});

it("finds the pair that shares its code, renamed or not", () => {
  const pairs = similarPairs([submission("ada", original), submission("bo", other), submission("cy", renamed)]);
  expect(pairs).toEqual([{ students: ["ada", "cy"], share: 1, shared: expect.any(Number) }]);
});

it("leaves out what the assignment gave, and what half of a class has", () => {
  expect(similarPairs([submission("ada", original, original), submission("bo", renamed)])).toEqual([]);
  const class7 = Array.from({ length: 7 }, (_, i) =>
    submission(`s${i}`, i < 4 ? original : `${other}\nconst own${i} = [${"f(), ".repeat(i)}]`),
  );
  expect(similarPairs(class7.slice(0, 4).concat(class7.slice(4, 5)))).toHaveLength(6);
  // Four of seven have it from the lecture; three of seven share something of their own.
  expect(similarPairs(class7).map(({ students }) => students.join(" "))).toEqual(["s4 s5", "s4 s6", "s5 s6"]);
});

it("says nothing of answers of a few lines, and of results without answers", () => {
  const short = "const y = tf.add(x, f(x)); return tf.relu(y);";
  expect(similarPairs([submission("ada", short), submission("bo", short)])).toEqual([]);
  expect(similarPairs([resultOf("ada", []), resultOf("bo", [])])).toEqual([]);
});
