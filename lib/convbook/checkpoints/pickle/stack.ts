/**
 * What a pickle's instructions work on: the stack of values with its marks, and the memo. An instruction that takes what is not
 * there is a PickleRefusal.
 */
import { PickleRefusal, type PickleValue } from "./values.ts";

/** CPython's pickler numbers its memo without gaps; some leave a few. */
const maxMemoGap = 1024;

/** A pickle's stack and memo. */
export class PickleStack {
  readonly #memo: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #values: PickleValue[] = [];

  get length(): number {
    return this.#values.length;
  }

  get hasMarks(): boolean {
    return this.#marks.length !== 0;
  }

  /** The index that MEMOIZE gives the next value. */
  get remembered(): number {
    return this.#memo.length;
  }

  mark(): void {
    this.#marks.push(this.#values.length);
  }

  /** The number of values above the innermost mark is what an instruction may take. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  pop(): PickleValue {
    if (this.#values.length <= this.#floor()) {
      throw new PickleRefusal("malformed", "the pickle takes more values than it made");
    }
    return this.#values.pop();
  }

  /** Python lets POP take a mark as well. */
  popValueOrMark(): void {
    if (this.#values.length === this.#marks.at(-1)) {
      this.#marks.pop();
    } else {
      this.pop();
    }
  }

  top(): PickleValue {
    if (this.#values.length <= this.#floor()) {
      throw new PickleRefusal("malformed", "the pickle uses a value that it did not make");
    }
    return this.#values.at(-1);
  }

  popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) {
      throw new PickleRefusal("malformed", "the pickle refers to a mark that it did not set");
    }
    return this.#values.splice(mark);
  }

  push(value: PickleValue): void {
    this.#values.push(value);
  }

  recall(index: number): PickleValue {
    if (!(index in this.#memo)) {
      throw new PickleRefusal("malformed", `the pickle recalls value ${index}, which it did not remember`);
    }
    return this.#memo[index];
  }

  remember(index: number): void {
    if (index > this.#memo.length + maxMemoGap) {
      throw new PickleRefusal("limit", `the pickle remembers value ${index} after only ${this.#memo.length}`);
    }
    this.#memo[index] = this.top();
  }
}
