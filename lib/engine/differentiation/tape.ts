/**
 * Gradients of gradients that are right or say why not. tfjs-core's engine loses the way back from what an operation saves
 * for its gradient to the operation's inputs (https://github.com/tensorflow/tfjs/issues/3252), so that second derivatives
 * through tanh, sigmoid, softmax and every `tf.customGrad` that saves an intermediate are silently wrong. Two of the engine's
 * private methods are wrapped to keep it; tests pin the version of tfjs-core. Nothing changes for first derivatives.
 */
import * as tf from "@tensorflow/tfjs-core";

/** An operation on tfjs's tape. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved: readonly tf.Tensor[];
  gradient?(dys: (tf.Tensor | null)[]): Readonly<Record<string, () => tf.Tensor>>;
}

/** What runs a `tf.customGrad`; a registered kernel has no `forwardFunc`. */
interface KernelParams {
  readonly forwardFunc?: (backend: unknown, save: (tensors: tf.Tensor[]) => void) => tf.Tensor;
}

/** The part of tfjs's engine that records operations. */
export interface TapeEngine {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
}

interface PatchedEngine extends TapeEngine {
  addTapeNode(
    name: string,
    inputs: Record<string, tf.Tensor | null | undefined>,
    outputs: tf.Tensor[],
    gradient: unknown,
    saved: tf.Tensor[],
    attrs: unknown,
  ): void;
  runKernelFunc(params: KernelParams): tf.Tensor | tf.Tensor[];
  gradients(...args: unknown[]): unknown;
  getTensorsForGradient(kernel: string, inputs: unknown, outputs: unknown): (tf.Tensor | null | undefined)[] | null;
}

/** tfjs's engine with what is private of it. */
export function tapeEngine(): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}

/** Whether operations are being recorded: within a gradient function, whether its result will be differentiated again. */
export function isRecording(): boolean {
  return tf.engine().isTapeOn();
}

/** How many gradients are being worked out within each other. */
let level = 0;

/** Whether this happens within the gradient of a gradient, so that what is recorded may be differentiated twice. */
export function isNested(): boolean {
  return level > 1;
}

/** Runs something that belongs to a gradient. What a gradient that was stopped in the middle has left behind does not count. */
export function withinGradient<T>(body: () => T): T {
  const before = tapeEngine().state.gradientDepth === 0 ? 0 : level;
  level = before + 1;
  try {
    return body();
  } finally {
    level = before;
  }
}

const patched = Symbol.for("convbook.differentiation");

/** Calls something when the first gradient of the program is recorded. */
export function onFirstTape(call: () => void): void {
  const engine = tapeEngine();
  const { startTape } = engine;
  engine.startTape = () => {
    engine.startTape = startTape;
    call();
    engine.startTape();
  };
}

/** Wraps the engine's methods, once an engine. */
export function keepWayBack(): void {
  const engine = tf.engine() as unknown as PatchedEngine & { [patched]?: true };
  if (engine[patched]) {
    return;
  }
  engine[patched] = true;

  // What is saved is cloned, and clones are recorded. Those of outputs are recorded before the operation itself, where nothing
  // leads to them from its inputs; they belong behind it.
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (name, inputs, outputs, gradient, saved, attrs) => {
    const tape = engine.state.activeTape;
    const given = Object.fromEntries(
      Object.entries(inputs).filter(([, input]) => input !== undefined && input !== null),
    );
    const early = isNested() && saved.length > 0 && tape !== null ? takeClonesOf(outputs, saved, tape) : [];
    addTapeNode(name, given, outputs, gradient, saved, attrs);
    tape?.push(...early);
  };

  // What happens within a tf.customGrad is not recorded, so that nothing leads to the intermediates that it saves. Here it runs
  // before, recorded as anything else, and its result is handed on as another tensor, which only the custom gradient leads to.
  const runKernelFunc = engine.runKernelFunc.bind(engine);
  engine.runKernelFunc = (params) => {
    const { forwardFunc } = params;
    if (forwardFunc === undefined || !isNested() || !isRecording()) {
      return runKernelFunc(params);
    }
    let saved: tf.Tensor[] = [];
    const { x } = tf.tidy(() => {
      const value = forwardFunc(tf.backend(), (tensors) => {
        saved = tensors;
      });
      return { x: value, saved };
    });
    return runKernelFunc({
      ...params,
      forwardFunc: (_, save) => {
        save(saved);
        return tf.engine().runKernel("Identity", { x });
      },
    });
  };

  // Inputs that may be left out, as the scale of a batch normalization, are saved as nothing.
  const getTensorsForGradient = engine.getTensorsForGradient.bind(engine);
  engine.getTensorsForGradient = (...args) =>
    getTensorsForGradient(...args)?.filter((tensor) => tensor !== undefined && tensor !== null) ?? null;

  const gradients = engine.gradients.bind(engine);
  engine.gradients = (...args) => withinGradient(() => gradients(...args));
}

/** Takes from the end of the tape the clones of an operation's outputs that were saved for its gradient. */
function takeClonesOf(outputs: readonly tf.Tensor[], saved: readonly tf.Tensor[], tape: TapeNode[]): TapeNode[] {
  const clones = tape.splice(tape.length - saved.length);
  const ofOutput = ({ inputs }: TapeNode) => inputs.x !== undefined && outputs.includes(inputs.x);
  tape.push(...clones.filter((node) => !ofOutput(node)));
  return clones.filter(ofOutput);
}
