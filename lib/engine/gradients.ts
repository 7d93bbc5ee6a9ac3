/**
 * Values and gradients of a function, like tfjs's `variableGrads`, but freeing every saved tensor and every gradient as
 * soon as nothing needs it any more: half the memory in training, and buffers that are still in the cache when they are
 * used again. Works on every backend. It reads the tape in tfjs's engine state, which is private; a test pins the
 * version of tfjs-core and compares with `variableGrads`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { askingFor, firstOutputOnly } from "./fused.ts";

interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Record<string, tf.Tensor>;
  readonly outputs: tf.Tensor[];
  readonly saved: tf.Tensor[];
  gradient?(dys: (tf.Tensor | null)[]): Record<string, () => tf.Tensor>;
}

interface EngineInside {
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number };
  scopedRun<T>(start: () => void, end: () => void, body: () => T): T;
  startTape(): void;
  endTape(): void;
}

/** What {@link valueAndGrads} gives; the caller disposes of all of it. */
export interface ValueAndGrads {
  /** The function's value. */
  readonly value: tf.Scalar;
  /** One gradient for each variable, in order; null for those that the value does not depend on. */
  readonly grads: (tf.Tensor | null)[];
}

/**
 * Runs `f` and works out the gradients of its value by the variables.
 *
 * @param f Gives a scalar; tensors that it makes on the way are freed.
 * @param variables What to differentiate by.
 * @throws Error when the value is not a scalar, when it depends on none of the variables, or inside another gradient.
 */
export function valueAndGrads(f: () => tf.Scalar, variables: readonly tf.Tensor[]): ValueAndGrads {
  const engine = tf.engine();
  const inside = engine as unknown as EngineInside;
  if (inside.state.gradientDepth > 0) {
    throw new Error("valueAndGrads cannot run inside another gradient: use tf.variableGrads there");
  }
  let tape: TapeNode[] = [];
  try {
    const value = inside.scopedRun(
      () => inside.startTape(),
      () => inside.endTape(),
      () => engine.tidy("forward", f),
    );
    tape = inside.state.activeTape ?? [];
    if (value.rank !== 0 && value.size !== 1) {
      const shape = `[${value.shape.join(", ")}]`;
      value.dispose();
      throw new Error(`valueAndGrads: the function must give a scalar, got shape ${shape}`);
    }
    return { value, grads: backward(value, variables, tape) };
  } finally {
    for (const { saved } of tape) for (const tensor of saved) tensor.dispose();
    inside.state.activeTape = null;
  }
}

/** The nodes between the variables and the value, last first. Saved tensors of all others are freed. */
function relevantNodes(value: tf.Tensor, variables: readonly tf.Tensor[], tape: readonly TapeNode[]) {
  const fromVariables = new Set(variables.map(({ id }) => id));
  const reached: TapeNode[] = [];
  for (const node of tape) {
    if (Object.values(node.inputs).some(({ id }) => fromVariables.has(id))) {
      for (const { id } of node.outputs) fromVariables.add(id);
      reached.push(node);
    }
  }
  const towardsValue = new Set([value.id]);
  const nodes: TapeNode[] = [];
  for (const node of reached.reverse()) {
    if (!node.outputs.some(({ id }) => towardsValue.has(id))) continue;
    for (const { id } of Object.values(node.inputs)) towardsValue.add(id);
    nodes.push(node);
  }
  const kept = new Set(nodes);
  for (const node of tape) {
    if (!kept.has(node)) for (const tensor of node.saved) tensor.dispose();
  }
  return { nodes, fromVariables };
}

function backward(value: tf.Tensor, variables: readonly tf.Tensor[], tape: readonly TapeNode[]): (tf.Tensor | null)[] {
  const { nodes, fromVariables } = relevantNodes(value, variables, tape);
  if (nodes.length === 0) {
    value.dispose();
    throw new Error("valueAndGrads: the function's value does not depend on any of the variables");
  }
  const wanted = new Set(variables.map(({ id }) => id));
  const grads = new Map<number, tf.Tensor>();
  const found = tf.engine().tidy("backward", () => {
    grads.set(value.id, tf.ones(value.shape));
    const unused = tf.scalar(0);
    for (const node of nodes) {
      const stand = firstOutputOnly.has(node.kernelName) ? unused : null;
      const dys = node.outputs.map(({ id }) => grads.get(id) ?? stand);
      passBack(node, dys, grads, fromVariables);
      for (const tensor of node.saved) tensor.dispose();
      for (const { id } of node.outputs) {
        const dy = grads.get(id);
        if (dy === undefined || wanted.has(id)) continue;
        grads.delete(id);
        dy.dispose();
      }
    }
    return variables.flatMap(({ id }) => grads.get(id) ?? []);
  });
  const byId = new Map(found.map((tensor) => [tensor.id, tensor]));
  return variables.map(({ id }) => byId.get(grads.get(id)?.id ?? -1) ?? null);
}

/** Adds one node's part to the gradients of its inputs. */
function passBack(
  node: TapeNode,
  dys: (tf.Tensor | null)[],
  grads: Map<number, tf.Tensor>,
  fromVariables: ReadonlySet<number>,
): void {
  if (node.gradient === undefined) {
    throw new Error(`Cannot compute gradient: gradient function not found for ${node.kernelName}.`);
  }
  const gradient = node.gradient.bind(node);
  tf.engine().tidy(() => {
    const isWanted = (name: string): boolean => fromVariables.has(node.inputs[name]?.id ?? -1);
    const parts = askingFor(isWanted, () => gradient(dys));
    const results: tf.Tensor[] = [];
    for (const [name, input] of Object.entries(node.inputs)) {
      if (!fromVariables.has(input.id)) continue;
      const part = parts[name];
      if (part === undefined) {
        throw new Error(`Cannot backprop through input ${name} of ${node.kernelName}: it has no gradient.`);
      }
      let dx = part();
      if (!tf.util.arraysEqual(dx.shape, input.shape)) {
        throw new Error(
          `Error in gradient for op ${node.kernelName}: the gradient of input "${name}" has shape ` +
            `[${dx.shape.join(", ")}], which does not match the shape of the input [${input.shape.join(", ")}]`,
        );
      }
      // A gradient that is passed through as it is must survive its giver.
      if (dys.includes(dx) || results.includes(dx)) dx = dx.clone();
      const before = grads.get(input.id);
      if (before === undefined) {
        grads.set(input.id, dx);
        results.push(dx);
      } else {
        const sum = tf.add(before, dx);
        grads.set(input.id, sum);
        results.push(sum);
        if (results.includes(before)) results.splice(results.indexOf(before), 1);
        else if (!dys.includes(before)) before.dispose();
      }
    }
    return results;
  });
}
