/** Plans that are kept from one run to the next, for as long as graphs look the same. */
import type { ProgramWindow } from "@convbook/engine";
import type { PlanNode } from "./plan.ts";

/** So many plans are kept; those that were not used for longest go first. */
const most = 256;

/** Plans by what they were made for. */
export class PlanStore<T> {
  readonly #plans = new Map<string, T>();

  /** The plan for a key, made where there is none yet. */
  get(key: string, make: () => T): T {
    const known = this.#plans.get(key);
    const plan = known ?? make();
    if (known !== undefined) {
      this.#plans.delete(key);
    }
    this.#plans.set(key, plan);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > most && oldest !== undefined) {
      this.#plans.delete(oldest);
    }
    return plan;
  }
}

/** All that a plan depends on: nodes, shapes, who reads what, and the numbers that programs hold. Made once a pass, so it is put together without detours. */
export function planKey(
  nodes: readonly PlanNode[],
  externals: readonly (readonly number[])[],
  training: boolean,
): string {
  let key = training ? "t" : "e";
  for (const shape of externals) {
    key += `/${list(shape)}`;
  }
  for (const node of nodes) {
    key += `;${node.isKept ? "!" : ""}${node.isKnown ? "" : "?"}${node.isOrdered ? "#" : ""}${operationKey(node)}(${list(node.inputs)})`;
    for (const shape of node.shapes) {
      key += `/${list(shape)}`;
    }
  }
  return key;
}

function list(numbers: readonly number[]): string {
  let text = "";
  for (const number of numbers) {
    text += `${number},`;
  }
  return text;
}

function operationKey({ operation }: PlanNode): string {
  switch (operation.kind) {
    case "convolution":
      return `conv ${operation.bias !== null} ${list(operation.weight.shape)} ${windowKey(operation.window)}`;
    case "pool":
      return `${operation.type} ${windowKey(operation.window)}`;
    case "normalisation":
      return `norm ${operation.usesBatch} ${operation.epsilon} ${operation.share}`;
    case "activation":
      return operation.name;
    case "kernel":
      return operation.role ?? "";
  }
}

function windowKey(window: ProgramWindow | null): string {
  return window === null ? "" : `${list(window.filter)} ${list(window.strides)} ${list(window.pad)}`;
}
