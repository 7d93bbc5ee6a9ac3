/** Plans that are kept from one run to the next, for as long as graphs look the same. */
import type { PlanNode } from "./plan.ts";

/** So many plans are kept; those that were not used for longest go first. */
const most = 256;

/** Plans by what they were made for. */
export class PlanStore<T> {
  readonly #plans = new Map<string, T>();

  get size(): number {
    return this.#plans.size;
  }

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

/** All that a plan depends on: nodes, shapes, who reads what, and the numbers that programs hold. */
export function planKey(
  nodes: readonly PlanNode[],
  externals: readonly (readonly number[])[],
  training: boolean,
): string {
  const parts = nodes.map(
    (node) => `${node.isKept ? "!" : ""}${operationKey(node)}(${node.inputs})${node.shapes.join("/")}`,
  );
  return `${training};${externals.join("/")};${parts.join(";")}`;
}

function operationKey({ operation, isKnown }: PlanNode): string {
  if (!isKnown) {
    return "?";
  }
  switch (operation.kind) {
    case "convolution":
    case "pool": {
      const { filter, strides, pad } = operation.window ?? { filter: [], strides: [], pad: [] };
      const type =
        operation.kind === "pool" ? operation.type : `conv ${operation.bias !== null} ${operation.weight.shape}`;
      return `${type} ${filter} ${strides} ${pad}`;
    }
    case "normalisation":
      return `norm ${operation.epsilon} ${operation.share}`;
    case "activation":
      return operation.name;
    case "kernel":
      return operation.role ?? "";
  }
}
