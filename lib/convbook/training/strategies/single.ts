/** One process, with nobody to ask. */
import type { Strategy } from "../core/strategy.ts";
import type { Loader } from "../loaders.ts";
import type { ResultCollection } from "../logging/results.ts";

export class SingleProcess implements Strategy {
  readonly name = "single";
  readonly rank = 0;
  readonly size = 1;
  readonly isRoot = true;
  readonly isFirstOfMachine = true;
  async setUp(): Promise<void> {}
  async tearDown(): Promise<void> {}
  fail(): void {}
  share(loader: Loader): Loader {
    return loader;
  }
  async fromRoot<T>(value: T): Promise<T> {
    return value;
  }
  async gather<T>(value: T): Promise<T[]> {
    return [value];
  }
  async gatherArrays(array: Float32Array): Promise<Float32Array[]> {
    return [array];
  }
  async prepareStep(): Promise<void> {}
  expectGradients(): void {}
  async dropGradients(): Promise<void> {}
  async reduceGradients(): Promise<void> {}
  reduceGradientsSync(): void {}
  async mergeResults(results: ResultCollection): Promise<ResultCollection> {
    return results;
  }
  async mergeSteps(): Promise<void> {}
  async agree(): Promise<void> {}
  async shareBuffers(): Promise<void> {}
  async checkEquality(): Promise<void> {}
}
