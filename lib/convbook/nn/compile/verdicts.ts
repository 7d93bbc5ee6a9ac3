/**
 * What was found out about calls of modules: where programs save less than writing a graph down takes, the next call of the same kind runs every operation
 * when it is called. Which it is depends on what is called alone (see cost.ts), never on a clock; and a graph that is not worth it runs its operations
 * one by one already the first time. So the numbers of a call are those of every other.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isRecording } from "../functional/backend.ts";

/** A kind of call that is not worth a graph. */
export interface Verdict {
  readonly backend: string;
  readonly isRecorded: boolean;
  readonly shapes: readonly (readonly number[])[];
  /** As {@link callMark} was at the end. */
  readonly mark: number;
  /** As {@link structure} was. */
  readonly structure: number;
}

/** So many kinds of calls of a module are remembered; those that were found out first go first. */
const most = 8;

let verdicts = new WeakMap<object, Verdict[]>();
/** How often modules were made, or hooks put on or taken off. */
let structure = 0;
let mark = 0;
let areDecided = true;

/** Says that there are other modules or hooks from now on. */
export function structureChanged(): void {
  structure++;
}

/** Takes note of a module's call within the outermost one: what is called, in which mode, and with how much. */
export function noteCall(layer: object, inputs: readonly unknown[]): void {
  const [x] = inputs as [{ readonly size?: unknown } | null | undefined];
  const size = typeof x?.size === "number" ? x.size : 0;
  const { training } = layer as { readonly training?: unknown };
  mark = (Math.imul(mark, 31) + size * 2 + (training === true ? 1 : 0)) | 0;
}

/** Begins to take note of calls; gives what {@link endCalls} wants. */
export function beginCalls(): number {
  const before = mark;
  mark = 0;
  return before;
}

/** Goes on with the calls that were taken note of before. */
export function endCalls(before: number): void {
  mark = before;
}

/** What the calls since {@link beginCalls} come to. */
export function callMark(): number {
  return mark;
}

/** What is remembered of a call like this one: it is not worth a graph. Undefined where nothing is. */
export function verdictOn(layer: object, inputs: readonly unknown[]): Verdict | undefined {
  const known = verdicts.get(layer);
  if (known === undefined || !areDecided) {
    return undefined;
  }
  const backend = tf.getBackend();
  const isRecorded = isRecording();
  for (const verdict of known) {
    if (
      verdict.structure === structure &&
      verdict.isRecorded === isRecorded &&
      verdict.backend === backend &&
      haveShapes(inputs, verdict.shapes)
    ) {
      return verdict;
    }
  }
  return undefined;
}

function haveShapes(inputs: readonly unknown[], shapes: readonly (readonly number[])[]): boolean {
  if (inputs.length !== shapes.length) {
    return false;
  }
  for (const [i, expected] of shapes.entries()) {
    const shape = (inputs[i] as tf.Tensor | null | undefined)?.shape;
    if (shape?.length !== expected.length) {
      return false;
    }
    for (let axis = 0; axis < expected.length; axis++) {
      if (shape[axis] !== expected[axis]) {
        return false;
      }
    }
  }
  return true;
}

/** Remembers that calls like this one, whose calls came to {@link callMark}, are not worth a graph. */
export function remember(layer: object, inputs: readonly unknown[]): void {
  if (!areDecided || !inputs.every((input): input is tf.Tensor => input instanceof tf.Tensor)) {
    return;
  }
  const known = (verdicts.get(layer) ?? []).filter((verdict) => verdict.structure === structure);
  const shapes = inputs.map(({ shape }) => [...shape]);
  const verdict = { backend: tf.getBackend(), isRecorded: isRecording(), shapes, mark, structure };
  verdicts.set(layer, [...known.slice(1 - most), verdict]);
}

/** Forgets a verdict: the module calls something else than it did. */
export function forget(layer: object, verdict: Verdict): void {
  verdicts.set(
    layer,
    (verdicts.get(layer) ?? []).filter((other) => other !== verdict),
  );
}

/** Whether it is decided at all what is worth a graph. */
export function decides(): boolean {
  return areDecided;
}

/**
 * For tests: says whether graphs, and programs in them, have to be worth it. Where they need not be, small ones are written down and run as programs, too.
 */
export function decideWhatPays(decide: boolean): void {
  areDecided = decide;
  verdicts = new WeakMap();
}
