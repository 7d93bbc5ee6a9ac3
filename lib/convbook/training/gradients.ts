/**
 * Loss and gradients in two halves, so that hooks can run between them, with memory freed as early as possible.
 *
 * TensorFlow.js's own `variableGrads` keeps every intermediate of the forward and the backward pass until both are over. Here a gradient is
 * freed as soon as the operation that consumes it is done, and so is what that operation had saved: half the memory at a training step's
 * peak. It walks the tape of TensorFlow.js 4.22's engine; `gradients.test.ts` compares it with `variableGrads`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { ConfigurationError } from "./errors.ts";

/** An operation on the engine's tape. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved: readonly tf.Tensor[];
  readonly gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of TensorFlow.js's engine that records operations. */
interface TapeEngine {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number };
}

const engine = () => tf.engine() as unknown as TapeEngine;

/** A forward pass that was recorded. Call {@link backward} or {@link dispose} exactly once. */
export class Recording<T extends tf.TensorContainer = tf.TensorContainer> {
  /** What the recorded function returned; the caller's to dispose of. */
  readonly outputs: T;
  private tape: readonly TapeNode[];

  constructor(outputs: T, tape: readonly TapeNode[]) {
    this.outputs = outputs;
    this.tape = tape;
  }

  /**
   * Gradients of a scalar that the recorded function computed, and the end of the recording.
   *
   * @param loss the scalar; it is not disposed of
   * @param variables what to differentiate by
   * @returns gradients of those variables that the loss depends on; the caller's to dispose of
   */
  backward(loss: tf.Tensor, variables: readonly tf.Variable[]): Map<tf.Variable, tf.Tensor> {
    const tape = this.tape;
    this.tape = [];
    const wanted = new Set(variables.map(({ id }) => id));
    // Tensors that depend on a variable, and the operations that made them.
    const dependent = new Set(wanted);
    const forward: TapeNode[] = [];
    for (const node of tape) {
      if (Object.values(node.inputs).some(({ id }) => dependent.has(id))) {
        for (const { id } of node.outputs) dependent.add(id);
        forward.push(node);
      } else free(node.saved);
    }
    // Of those, the operations that the loss depends on, last first.
    const leading = new Set([loss.id]);
    const path: TapeNode[] = [];
    for (const node of forward.toReversed()) {
      if (node.outputs.some(({ id }) => leading.has(id))) {
        for (const { id } of Object.values(node.inputs)) leading.add(id);
        path.push(node);
      } else free(node.saved);
    }
    const gradients = new Map<number, tf.Tensor>([[loss.id, tf.onesLike(loss)]]);
    try {
      for (const node of path) stepBack(node, gradients, dependent, wanted);
    } catch (error) {
      for (const node of path) free(node.saved);
      free([...gradients.values()]);
      throw error;
    }
    const result = new Map<tf.Variable, tf.Tensor>();
    for (const variable of variables) {
      const gradient = gradients.get(variable.id);
      if (gradient === undefined) continue;
      gradients.delete(variable.id);
      result.set(variable, gradient);
    }
    free([...gradients.values()]);
    return result;
  }

  /** Ends the recording without gradients. */
  dispose(): void {
    for (const node of this.tape) free(node.saved);
    this.tape = [];
  }
}

/** Carries the gradients of a node's outputs over to its inputs, and frees what is not needed any more. */
function stepBack(
  node: TapeNode,
  gradients: Map<number, tf.Tensor>,
  dependent: ReadonlySet<number>,
  wanted: ReadonlySet<number>,
): void {
  const { gradient } = node;
  if (gradient === undefined) throw new Error(`TensorFlow.js has no gradient for the operation ${node.kernelName}.`);
  const dys = node.outputs.map(({ id }) => gradients.get(id) ?? null);
  tf.tidy(() => {
    const byInput = gradient(dys);
    const fresh: tf.Tensor[] = [];
    // A tensor that comes back as it went in has another owner: a clone shares its data.
    const owned = new Set<tf.Tensor | null>([...dys, ...node.saved]);
    for (const [name, input] of Object.entries(node.inputs)) {
      if (!dependent.has(input.id)) continue;
      const compute = byInput[name];
      if (compute === undefined) throw new Error(`The gradient of ${node.kernelName} leaves out its input ${name}.`);
      let dx = compute();
      if (owned.has(dx)) dx = tf.clone(dx);
      owned.add(dx);
      const before = gradients.get(input.id);
      if (before !== undefined) {
        const sum = tf.add(before, dx);
        if (fresh.includes(before)) fresh.splice(fresh.indexOf(before), 1);
        else if (!dys.includes(before)) before.dispose();
        dx = sum;
      }
      gradients.set(input.id, dx);
      fresh.push(dx);
    }
    return fresh.map((tensor) => tf.keep(tensor));
  });
  free(node.saved);
  for (const [i, { id }] of node.outputs.entries()) {
    if (wanted.has(id) || dys[i] === null) continue;
    gradients.delete(id);
    dys[i]?.dispose();
  }
}

function free(tensors: readonly tf.Tensor[]): void {
  for (const tensor of tensors) if (!tensor.isDisposed) tensor.dispose();
}

/**
 * Runs a function and records its operations for a later backward pass. Intermediates that no gradient needs are freed at once.
 *
 * @param f computes tensors, synchronously
 */
export function record<T extends tf.TensorContainer>(f: () => T): Recording<T> {
  const tapes = engine();
  if (tapes.state.gradientDepth > 0) throw new Error("A forward pass is being recorded already.");
  tapes.startTape();
  try {
    const outputs = tf.tidy(f);
    const recording = new Recording(outputs, tapes.state.activeTape ?? []);
    return recording;
  } catch (error) {
    for (const node of tapes.state.activeTape ?? []) free(node.saved);
    throw error;
  } finally {
    tapes.endTape();
    tapes.state.activeTape = null;
  }
}

/**
 * The value of a scalar function and its gradients.
 *
 * @param f computes a scalar, synchronously
 * @param variables what to differentiate by, for example `optimizer.variables()`
 * @returns the value and the gradients of those variables that it depends on; the caller's to dispose of
 * @throws ConfigurationError when the value is not a scalar or depends on none of the variables
 * @example
 * const { value, gradients } = valueAndGrads(() => loss.forward(model.forward(images), labels), optimizer.variables());
 * optimizer.step(gradients);
 * tf.dispose([value, ...gradients.values()]);
 */
export function valueAndGrads(
  f: () => tf.Tensor,
  variables: readonly tf.Variable[],
): { value: tf.Tensor; gradients: Map<tf.Variable, tf.Tensor> } {
  const recording = record(f);
  const value = recording.outputs;
  if (value.size !== 1) {
    recording.dispose();
    const shape = `a tensor of shape [${value.shape.join(", ")}]`;
    value.dispose();
    throw new ConfigurationError("The value to differentiate", shape, "a scalar");
  }
  const gradients = recording.backward(value, variables);
  if (gradients.size === 0) {
    value.dispose();
    throw new ConfigurationError(
      "The value to differentiate",
      "one that does not",
      "computed from at least one of the variables",
    );
  }
  return { value, gradients };
}
