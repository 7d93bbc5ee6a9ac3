/** Transforms in a row. */

import { checkGenerator, checkList } from "../../arguments/check.ts";
import { describeValue } from "../../arguments/describe.ts";
import { defaultGenerator, type Generator } from "../../random/index.ts";
import type { TensorData } from "../../tensor-data.ts";
import { describedBy } from "../description.ts";
import { Normalize, ToTensor } from "./tensor.ts";
import type { Transform, TransformSpec } from "./transform.ts";

/** Several transforms, one after the other: `torchvision.transforms.Compose`. */
export class Compose implements Transform {
  readonly transforms: readonly Transform[];
  /** What is applied: the same, but ToTensor and a Normalize after it in one step. */
  readonly #steps: readonly ((data: TensorData, generator: Generator) => TensorData)[];

  /** @throws {TypeError} when one is not a transform */
  constructor(transforms: readonly Transform[]) {
    checkList("Compose", "transforms", transforms, "a list of transforms");
    for (const [i, transform] of transforms.entries()) {
      if (typeof transform?.apply !== "function") {
        throw new TypeError(`Compose's transforms[${i}] has no method apply: ${describeValue(transform)}.`);
      }
    }
    this.transforms = [...transforms];
    this.#steps = this.transforms.flatMap((transform, i) => {
      const next = transforms[i + 1];
      if (transform instanceof ToTensor && next instanceof Normalize) {
        return [(data) => next.applyToImage(data)];
      }
      if (transform instanceof Normalize && transforms[i - 1] instanceof ToTensor) {
        return [];
      }
      return [(data, generator) => transform.apply(data, generator)];
    });
  }

  apply(data: TensorData, generator: Generator = defaultGenerator): TensorData {
    checkGenerator("Compose", generator);
    let result = data;
    for (const step of this.#steps) {
      result = step(result, generator);
    }
    return result;
  }

  toSpec(): TransformSpec | undefined {
    const specs = this.transforms.map((transform) => describedBy(transform, "toSpec"));
    return specs.every((spec) => spec !== undefined) ? { name: "Compose", args: specs } : undefined;
  }
}
