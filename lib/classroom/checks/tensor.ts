/** `expectTensor`: shape, type and values of what a student's code gives. */
import { CheckError } from "./check-error.ts";
import { abs, isFiniteNumber, isNaNNumber } from "./intrinsics.ts";
import { indexText, numberText, readValues, shapeText, type TensorLike, type Values } from "./values.ts";

/** How far numbers may be apart: `|got - expected| <= atol + rtol * |expected|`. */
export interface Tolerance {
  /** Relative; 1e-3, which leaves room for sums in another order. */
  readonly rtol?: number;
  /** Absolute; 1e-5. */
  readonly atol?: number;
}

/**
 * Begins to check a tensor.
 *
 * @param value What the student's code gave: a tensor, lists of numbers, a number.
 * @param name What it is called in messages, such as "the block's output".
 * @returns Checks that can be chained.
 * @throws {CheckError} Where it is no tensor.
 * @example
 * expectTensor(block.forward(x), "the block's output").toHaveShape([2, 8, 8, 16]).toBeClose(reference, { rtol: 1e-4 });
 */
export function expectTensor(value: unknown, name = "The result"): TensorExpectation {
  return new TensorExpectation(readValues(value, name), name);
}

/** What can be expected of a tensor. Each check returns the same object. */
export class TensorExpectation {
  readonly #values: Values;
  readonly #name: string;

  constructor(values: Values, name: string) {
    this.#values = values;
    this.#name = name;
  }

  /** @param expected The sizes; `null` for one that may be any. */
  toHaveShape(expected: readonly (number | null)[]): this {
    const { shape } = this.#values;
    if (!fits(shape, expected)) {
      const what = shape.length === expected.length ? "another shape" : "another number of dimensions";
      throw new CheckError(`${this.#name} has ${what}`, { got: shapeText(shape), expected: shapeText(expected) });
    }
    return this;
  }

  /** @param expected The type, such as "float32"; lists have none. */
  toHaveDtype(expected: string): this {
    const { dtype = "none: it is no tensor" } = this.#values;
    if (dtype !== expected) {
      throw new CheckError(`${this.#name} has another dtype`, { got: dtype, expected });
    }
    return this;
  }

  /** No value is NaN or infinite. */
  toBeFinite(): this {
    const { data, shape } = this.#values;
    for (let i = 0; i < data.length; i++) {
      if (!isFiniteNumber(data[i])) {
        throw new CheckError(`${this.#name} holds values that are no finite numbers`, {
          got: `${data[i]} at ${indexText(i, shape)}`,
          expected: "finite numbers",
        });
      }
    }
    return this;
  }

  /** All values lie in a band, ends included. */
  toBeBetween(least: number, most: number): this {
    const { data, shape } = this.#values;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      if (!(value >= least && value <= most)) {
        throw new CheckError(`${this.#name} holds values outside of the range`, {
          got: `${numberText(value)} at ${indexText(i, shape)}`,
          expected: `${numberText(least)} to ${numberText(most)}`,
        });
      }
    }
    return this;
  }

  /**
   * Has the same shape, and values as close as the tolerance allows.
   *
   * @param expected A tensor, or lists of numbers.
   */
  toBeClose(expected: TensorLike, tolerance: Tolerance = {}): this {
    const other = readValues(expected, "The expected tensor");
    this.toHaveShape(other.shape);
    const { rtol = 1e-3, atol = 1e-5 } = tolerance;
    const { data, shape } = this.#values;
    let wrong = 0;
    let worst = 0;
    let worstBy = -1;
    for (let i = 0; i < data.length; i++) {
      const got = data[i] as number;
      const wanted = other.data[i] as number;
      const by = got === wanted ? 0 : abs(got - wanted);
      if (by <= atol + rtol * abs(wanted)) {
        continue;
      }
      wrong++;
      const distance = isNaNNumber(by) ? Number.POSITIVE_INFINITY : by;
      if (distance > worstBy) {
        worst = i;
        worstBy = distance;
      }
    }
    if (wrong > 0) {
      const wanted = other.data[worst] as number;
      const at = shape.length === 0 ? "" : ` at ${indexText(worst, shape)}`;
      const count = data.length === 1 ? "is" : `has ${wrong} of ${data.length} values`;
      throw new CheckError(`${this.#name} ${count} further from what is expected than the tolerance allows`, {
        got: `${numberText(data[worst] as number)}${at}`,
        expected: `${numberText(wanted)} ± ${Number((atol + rtol * abs(wanted)).toPrecision(2))}`,
      });
    }
    return this;
  }
}

function fits(shape: readonly number[], expected: readonly (number | null)[]): boolean {
  return shape.length === expected.length && shape.every((size, i) => expected[i] === null || expected[i] === size);
}
