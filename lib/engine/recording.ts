/**
 * A forward pass and its gradients in two halves, freeing every saved tensor and every gradient as soon as nothing needs
 * it any more: half the memory of tfjs's `variableGrads`, and buffers that are still in the cache when they are used
 * again. Works on every backend. It reads the tape in tfjs's engine state, which is private; tests pin the version of
 * tfjs-core and compare with `variableGrads`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type TapeNode, tapeEngine, withinGradient } from "./differentiation/tape.ts";
import { afterThisTurn } from "./event-loop.ts";
import { askingFor, firstOutputOnly } from "./fused.ts";

/** What a backend offers that can add to a tensor in place. */
interface AddingBackend {
  addInPlace?(sum: tf.Tensor, more: tf.Tensor): boolean;
}

/**
 * Is told of a variable's gradient as soon as nothing more is added to it, while those of earlier layers are still to come; of variables that the loss
 * does not depend on first of all, with undefined. The gradient is its own to dispose of from then on.
 */
export type GradientListener<V extends tf.Tensor = tf.Variable> = (
  variable: V,
  gradient: tf.Tensor | undefined,
) => void;

/** A forward pass that was recorded. Call {@link backward} or {@link dispose} exactly once. */
export class Recording<T extends tf.TensorContainer = tf.TensorContainer> {
  /** What the recorded function returned; the caller's to dispose of. */
  readonly outputs: T;
  #tape: readonly TapeNode[];

  constructor(outputs: T, tape: readonly TapeNode[]) {
    this.outputs = outputs;
    this.#tape = tape;
  }

  /**
   * Gradients of a scalar that the recorded function computed, and the end of the recording.
   *
   * @param loss the scalar; it is not disposed of
   * @param variables what to differentiate by
   * @param listener is given each gradient when it is complete, in place of the result
   * @returns gradients of those variables that the loss depends on, but for those that the listener has; the caller's to dispose of
   * @throws Error when an operation between the two has no gradient
   */
  backward<V extends tf.Tensor = tf.Variable>(
    loss: tf.Tensor,
    variables: readonly V[],
    listener?: GradientListener<V>,
  ): Map<V, tf.Tensor> {
    const tape = this.#tape;
    this.#tape = [];
    const wanted = new Set(variables.map(({ id }) => id));
    const { path, dependent } = pathBetween(tape, wanted, loss);
    const gradients = new Map<number, tf.Tensor>([[loss.id, tf.keep(tf.onesLike(loss))]]);
    const unused = tf.keep(tf.scalar(0));
    const completion = listener && new Completion(path, variables, listener);
    try {
      completion?.begin(gradients);
      for (const node of path) {
        stepBack(node, gradients, dependent, wanted, unused);
        completion?.passed(node, gradients);
      }
    } catch (error) {
      for (const node of path) {
        free(node.saved);
      }
      free([...gradients.values()]);
      throw error;
    } finally {
      unused.dispose();
    }
    const result = new Map<V, tf.Tensor>();
    for (const variable of variables) {
      const gradient = gradients.get(variable.id);
      if (gradient === undefined) {
        continue;
      }
      gradients.delete(variable.id);
      result.set(variable, gradient);
    }
    free([...gradients.values()]);
    return result;
  }

  /** Ends the recording without gradients. */
  dispose(): void {
    for (const node of this.#tape) {
      free(node.saved);
    }
    this.#tape = [];
  }
}

/** Knows when the last operation has added to a variable's gradient. */
class Completion<V extends tf.Tensor> {
  readonly #variables: ReadonlyMap<number, V>;
  readonly #listener: GradientListener<V>;
  /** By the variable's id: operations of the path that are still to add to its gradient. */
  readonly #left = new Map<number, number>();

  constructor(path: readonly TapeNode[], variables: readonly V[], listener: GradientListener<V>) {
    // What the pass itself computed is needed once more where it was computed: it comes with the result.
    const computed = new Set(path.flatMap(({ outputs }) => outputs.map(({ id }) => id)));
    const own = variables.filter(({ id }) => !computed.has(id));
    this.#variables = new Map(own.map((variable) => [variable.id, variable]));
    this.#listener = listener;
    for (const node of path) {
      for (const id of this.#inputsOf(node)) {
        this.#left.set(id, (this.#left.get(id) ?? 0) + 1);
      }
    }
  }

  #inputsOf(node: TapeNode): Set<number> {
    return new Set(Object.values(node.inputs).flatMap(({ id }) => (this.#variables.has(id) ? id : [])));
  }

  /** Tells of the variables that no operation leads to. The loss itself, where it is a variable, waits for the result. */
  begin(gradients: ReadonlyMap<number, tf.Tensor>): void {
    for (const [id, variable] of this.#variables) {
      if (!this.#left.has(id) && !gradients.has(id)) {
        this.#listener(variable, undefined);
      }
    }
  }

  /** Tells of the variables that this operation was the last one to read. */
  passed(node: TapeNode, gradients: Map<number, tf.Tensor>): void {
    for (const id of this.#inputsOf(node)) {
      const left = (this.#left.get(id) ?? 0) - 1;
      this.#left.set(id, left);
      const [variable, gradient] = [this.#variables.get(id), gradients.get(id)];
      if (left === 0 && variable !== undefined) {
        gradients.delete(id);
        this.#listener(variable, gradient);
      }
    }
  }
}

/** The operations that lead from the variables to the loss, last first; what others saved is freed. */
function pathBetween(tape: readonly TapeNode[], variables: ReadonlySet<number>, loss: tf.Tensor) {
  const dependent = new Set(variables);
  const forward: TapeNode[] = [];
  for (const node of tape) {
    if (Object.values(node.inputs).some(({ id }) => dependent.has(id))) {
      for (const { id } of node.outputs) {
        dependent.add(id);
      }
      forward.push(node);
    } else {
      free(node.saved);
    }
  }
  const leading = new Set([loss.id]);
  const path: TapeNode[] = [];
  for (const node of forward.reverse()) {
    if (node.outputs.some(({ id }) => leading.has(id))) {
      for (const { id } of Object.values(node.inputs)) {
        leading.add(id);
      }
      path.push(node);
    } else {
      free(node.saved);
    }
  }
  return { path, dependent };
}

/** Carries the gradients of a node's outputs over to its inputs, and frees what is not needed any more. */
function stepBack(
  node: TapeNode,
  gradients: Map<number, tf.Tensor>,
  dependent: ReadonlySet<number>,
  wanted: ReadonlySet<number>,
  unused: tf.Tensor,
): void {
  if (node.gradient === undefined) {
    throw new Error(`TensorFlow.js has no gradient for the operation ${node.kernelName}.`);
  }
  const gradient = node.gradient.bind(node);
  // tfjs makes a tensor of zeros where it is given null.
  const stand = firstOutputOnly.has(node.kernelName) ? unused : null;
  const dys = node.outputs.map(({ id }) => gradients.get(id) ?? stand);
  const isWanted = (name: string): boolean => dependent.has(node.inputs[name]?.id ?? -1);
  // The name that tfjs gives these scopes, too.
  tf.tidy("backward", () => {
    const byInput = askingFor(isWanted, () => gradient(dys));
    const fresh: tf.Tensor[] = [];
    // A tensor that comes back as it went in has another owner: a clone shares its data.
    const owned = new Set<tf.Tensor | null>([...dys, ...node.saved]);
    for (const [name, input] of Object.entries(node.inputs)) {
      if (!dependent.has(input.id)) {
        continue;
      }
      const compute = byInput[name];
      if (compute === undefined) {
        throw new Error(`The gradient of ${node.kernelName} leaves out its input ${name}.`);
      }
      let dx = compute();
      if (!tf.util.arraysEqual(dx.shape, input.shape)) {
        throw new Error(
          `The gradient of ${node.kernelName} for its input ${name} has the shape [${dx.shape.join(", ")}], ` +
            `expected [${input.shape.join(", ")}].`,
        );
      }
      if (owned.has(dx)) {
        dx = tf.clone(dx);
      }
      owned.add(dx);
      const before = gradients.get(input.id);
      if (before !== undefined) {
        if (addInPlace(before, dx)) {
          continue;
        }
        const sum = tf.add(before, dx);
        if (fresh.includes(before)) {
          fresh.splice(fresh.indexOf(before), 1);
        } else if (!dys.includes(before)) {
          before.dispose();
        }
        dx = sum;
      }
      gradients.set(input.id, dx);
      fresh.push(dx);
    }
    return fresh.map((tensor) => tf.keep(tensor));
  });
  free(node.saved);
  for (const [i, { id }] of node.outputs.entries()) {
    const dy = dys[i];
    if (wanted.has(id) || dy === null || dy === undefined || dy === unused) {
      continue;
    }
    gradients.delete(id);
    dy.dispose();
  }
}

/** Adds to a gradient where its memory is nobody else's. */
function addInPlace(sum: tf.Tensor, more: tf.Tensor): boolean {
  return (tf.backend() as unknown as AddingBackend).addInPlace?.(sum, more) ?? false;
}

function free(tensors: readonly tf.Tensor[]): void {
  for (const tensor of tensors) {
    if (!tensor.isDisposed) {
      tensor.dispose();
    }
  }
}

/**
 * Runs a function and records its operations for a later backward pass. Intermediates that no gradient needs are freed
 * at once.
 *
 * @param f computes tensors, synchronously
 * @throws Error inside another recording
 */
export function record<T extends tf.TensorContainer>(f: () => T): Recording<T> {
  const engine = tapeEngine();
  if (isRecording) {
    throw new Error("A forward pass is being recorded already.");
  }
  // A notebook's cell that was stopped in the middle of a step has left its counts behind, under which nothing is recorded.
  Object.assign(engine.state, { gradientDepth: 0, kernelDepth: 0 });
  isRecording = true;
  const stay = afterThisTurn(() => {
    isRecording = false;
  });
  engine.startTape();
  try {
    const outputs = withinGradient(() => tf.tidy(f));
    return new Recording(outputs, engine.state.activeTape ?? []);
  } catch (error) {
    for (const node of engine.state.activeTape ?? []) {
      free(node.saved);
    }
    throw error;
  } finally {
    stay();
    isRecording = false;
    engine.endTape();
    engine.state.activeTape = null;
  }
}

/** A recording runs, which no recording inside of it may disturb. When it is stopped from outside, that ends with its turn of the event loop. */
let isRecording = false;
