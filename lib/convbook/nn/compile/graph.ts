/** What a forward pass comes to: operations, and the values that lead from one to the next. See README.md beside this file. */
import type { ProgramWindow } from "@convbook/engine";
import type * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import type { ActivationName } from "../functional/activation.ts";
import type { Conv2dGeometry } from "../functional/conv.ts";

/** A part of a layer's state. */
export interface State {
  /** Its value at the moment. */
  readonly variable: tf.Variable;
}

/** A convolution of images. */
export interface Convolution {
  readonly kind: "convolution";
  /** Shape of the output. */
  readonly shape: readonly number[];
  readonly weight: tf.Variable;
  readonly bias: tf.Variable | null;
  readonly geometry: Conv2dGeometry;
  /** How programs know it; null where they do not. */
  readonly window: ProgramWindow | null;
}

/** A batch normalisation; what it does to its layer's state was decided when the layer was called. */
export interface Normalisation {
  readonly kind: "normalisation";
  readonly shape: readonly number[];
  readonly weight: tf.Variable | null;
  readonly bias: tf.Variable | null;
  readonly mean: State | null;
  readonly variance: State | null;
  readonly epsilon: number;
  /** Whether it takes the batch's statistics, not the running ones. */
  readonly usesBatch: boolean;
  /** Share of the batch in the running statistics; null where they are left alone. */
  readonly share: number | null;
}

/** An activation function. */
export interface ActivationOperation {
  readonly kind: "activation";
  readonly shape: readonly number[];
  readonly name: ActivationName;
}

/** A pool of images. */
export interface Pool {
  readonly kind: "pool";
  readonly shape: readonly number[];
  readonly type: "maxPool" | "avgPool";
  readonly window: ProgramWindow | null;
  /** The pool by itself. */
  run(x: tf.Tensor4D): tf.Tensor4D;
}

/** What a layer says that its forward pass is. */
export type LayerOperation = Convolution | Normalisation | ActivationOperation | Pool;

/** A kernel of TensorFlow.js, whose inputs are given by names or places. */
export interface KernelCall {
  readonly kind: "kernel";
  readonly name: string;
  /** Names of the inputs; null where they are a list. */
  readonly names: readonly string[] | null;
  readonly attributes: object | undefined;
  /** What it is to programs. */
  readonly role: "sum" | "concatenation" | "relu" | "relu6" | null;
}

export type Operation = LayerOperation | KernelCall;

/** A tensor that was there before. */
export interface External {
  readonly tensor: tf.Tensor;
  /** Another hold of it, for as long as the forward pass runs: whoever made it may dispose of it meanwhile. */
  readonly held: tf.Tensor;
}

export type Source = Value | External;

/** Something that was called, and is worked out later. */
export class GraphNode {
  readonly index: number;
  readonly operation: Operation;
  readonly inputs: readonly Source[];
  readonly outputs: Value[] = [];
  /** Whether it has run, so that running it again must not change any state again. */
  hasRun = false;

  constructor(index: number, operation: Operation, inputs: readonly Source[]) {
    this.index = index;
    this.operation = operation;
    this.inputs = inputs;
  }

  /** Its first output. */
  get output(): Value {
    return at(this.outputs, 0);
  }

  /** Whether running it changes the state of a layer. */
  get changesState(): boolean {
    return this.operation.kind === "normalisation" && this.operation.share !== null;
  }
}

/** A result of a node. */
export class Value {
  readonly node: GraphNode;
  readonly shape: readonly number[];
  /** What the caller holds. */
  tensor: tf.Tensor | undefined;
  /** Another hold of the result, while nodes that have not run may need it. */
  pin: tf.Tensor | undefined;
  /** Whether nobody is expected to ask for it any more, because the forward pass that made it has returned. */
  isForgotten = false;

  constructor(node: GraphNode, shape: readonly number[]) {
    this.node = node;
    this.shape = shape;
  }
}
