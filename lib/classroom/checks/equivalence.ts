/** A student's block against a reference: the same weights, the same random inputs, the same outputs. */
import * as tf from "@tensorflow/tfjs-core";
import { CheckError } from "./check-error.ts";
import { type ParameterLike, parametersOf, variableOf } from "./model.ts";
import { Random } from "./random.ts";
import { expectTensor, type Tolerance } from "./tensor.ts";
import { kindOf, shapeText } from "./values.ts";

/** A function of tensors, or what has one called `forward`. */
export type Computes = ((...inputs: never[]) => unknown) | { forward(...inputs: never[]): unknown };

export interface EquivalenceOptions extends Tolerance {
  /** Makes the inputs of one trial. */
  readonly inputs: (random: Random) => readonly unknown[];
  /** How many trials; 3. */
  readonly trials?: number;
  /** Seed of the first trial, the next has the next; 0. */
  readonly seed?: number;
  /** Whether the reference's weights are first given to the student's block, where both have weights; true. */
  readonly copyWeights?: boolean;
}

/**
 * What the student wrote computes the same as a reference.
 *
 * Weights are copied by name where both have the same names, else in their order where the shapes are the same.
 *
 * @param student The student's function or block.
 * @param reference What it should do.
 * @example
 * expectSameOutputs(new ResidualBlock(16), new Reference(16), { inputs: (random) => [random.normal([2, 8, 8, 16])] });
 */
export function expectSameOutputs(student: Computes, reference: Computes, options: EquivalenceOptions): void {
  const { inputs, trials = 3, seed = 0, copyWeights = true, ...tolerance } = options;
  if (copyWeights && hasWeights(reference)) {
    giveWeights(student, reference);
  }
  for (let trial = 0; trial < trials; trial++) {
    tf.tidy(() => {
      const given = inputs(new Random(seed + trial));
      const expected = call(reference, given, "The reference");
      const got = call(student, given, "What you wrote");
      for (const [i, input] of given.entries()) {
        if (input instanceof tf.Tensor && input.isDisposed) {
          throw new CheckError(`Your code disposes of its input ${i + 1}, which belongs to whoever called it`);
        }
      }
      compare(got, expected, `The output for random inputs (trial ${trial + 1})`, tolerance);
    });
  }
}

function compare(got: unknown, expected: unknown, name: string, tolerance: Tolerance): void {
  if (!Array.isArray(expected) || !expected.every((part) => part instanceof tf.Tensor)) {
    expectTensor(got, name).toBeClose(expected as tf.Tensor, tolerance);
    return;
  }
  if (!Array.isArray(got) || got.length !== expected.length) {
    throw new CheckError(`${name} has other parts`, {
      got: kindOf(got),
      expected: `a list of ${expected.length} tensors`,
    });
  }
  for (const [i, part] of expected.entries()) {
    expectTensor(got[i], `${name}, part ${i + 1}`).toBeClose(part, tolerance);
  }
}

function call(what: Computes, inputs: readonly unknown[], name: string): unknown {
  if (typeof what === "function") {
    return Reflect.apply(what, undefined, inputs);
  }
  if (typeof what !== "object" || what === null || typeof what.forward !== "function") {
    throw new CheckError(`${name} cannot be called`, {
      got: kindOf(what),
      expected: "a function, or a block with forward()",
    });
  }
  return Reflect.apply(what.forward, what, inputs);
}

function hasWeights(what: unknown): boolean {
  return typeof what === "object" && what !== null && "parameters" in what && parametersOf(what).length > 0;
}

/** The shape in memory: a parameter's own may be another library's, as PyTorch's. */
function shapeOf(parameter: ParameterLike): string {
  return shapeText(variableOf(parameter).shape);
}

function giveWeights(student: unknown, reference: unknown): void {
  const theirs = parametersOf(student);
  const ours = parametersOf(reference);
  const named = new Map(theirs);
  const byName = named.size === ours.length && ours.every(([name]) => named.has(name));
  const pairs = ours.map(([name, from], i): [ParameterLike, ParameterLike | undefined] => [
    from,
    byName ? named.get(name) : theirs[i]?.[1],
  ]);
  const shapes = (list: typeof ours) => list.map(([, parameter]) => shapeOf(parameter)).join(" ") || "none";
  const fits = pairs.every(([from, to]) => to !== undefined && shapeOf(from) === shapeOf(to));
  if (theirs.length !== ours.length || !fits) {
    throw new CheckError("Your block has other parameters than the reference", {
      got: shapes(theirs),
      expected: shapes(ours),
    });
  }
  if (byName && copyState(student, reference)) {
    return;
  }
  for (const [from, to] of pairs) {
    variableOf(to as ParameterLike).assign(variableOf(from));
  }
}

/** Copies buffers, such as running means, too, where both know how. */
function copyState(student: unknown, reference: unknown): boolean {
  const to = student as { loadStateDict?(state: unknown): unknown; stateDict?(): ReadonlyMap<string, unknown> };
  const from = reference as typeof to;
  if (to.loadStateDict === undefined || from.stateDict === undefined || to.stateDict === undefined) {
    return false;
  }
  const state = from.stateDict();
  const known = to.stateDict();
  if (known.size !== state.size || [...state.keys()].some((name) => !known.has(name))) {
    return false;
  }
  to.loadStateDict(state);
  return true;
}
