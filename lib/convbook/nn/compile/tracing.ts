/**
 * Finds the graph of a forward pass by running it: within the outermost call of a module's `forward`, layers and TensorFlow.js's kernels are written down instead of
 * run, and give tensors that are pending. When the call returns, what it gives is worked out in one go (see execute.ts), by programs of the engine where
 * they pay. Whoever asks for numbers before that gets them at once. JavaScript itself runs as always, once a call.
 */
import { beforeInPlaceChange } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { OptionError } from "../errors.ts";
import { hasKernel, isNested } from "../functional/backend.ts";
import { changedBy, pendingReaders } from "./changes.ts";
import { execute, isExecuting } from "./execute.ts";
import { type External, GraphNode, type LayerOperation, type Operation, type Source, Value } from "./graph.ts";
import { givesList, outputShapes } from "./kernels.ts";
import { books, hasPending, hold, pendingTensor, pendingValue, resolveWith, whenSettled } from "./pending.ts";
import { beforeReads } from "./reads.ts";
import { tensorsIn } from "./tensors-in.ts";
import { atEndOfTurn, guardTurn } from "./turn.ts";
import {
  beginCalls,
  callMark,
  endCalls,
  forget,
  noteCall,
  remember,
  structureChanged,
  type Verdict,
  verdictOn,
} from "./verdicts.ts";

/** A module, as far as this file knows it. */
interface Layer {
  /** What its forward pass is, where that is one operation; null where it is not, for this input. */
  operation?(x: tf.Tensor): LayerOperation | null;
}

type Forward = (this: Layer, ...inputs: unknown[]) => unknown;

/** What has been written down during an outermost call. */
class Trace {
  readonly nodes: GraphNode[] = [];
  readonly #externals = new Map<tf.Tensor, External>();
  readonly #holds: tf.Tensor[] = [];
  /** Whether writing it down was worth it so far. */
  isWorthIt = false;

  source(tensor: tf.Tensor): Source {
    const value = pendingValue(tensor);
    if (value !== undefined && this.has(value.node)) {
      return value;
    }
    if (value !== undefined) {
      settle([value]);
    }
    let external = this.#externals.get(tensor);
    if (external === undefined) {
      external = { tensor, held: tensor instanceof tf.Variable ? tensor : this.#held(tensor) };
      this.#externals.set(tensor, external);
    }
    return external;
  }

  /** Whether a node was written down here. */
  has(node: GraphNode): boolean {
    return this.nodes[node.index] === node;
  }

  /** Writes an operation down. */
  add(operation: Operation, inputs: readonly tf.Tensor[], shapes: readonly (readonly number[])[]): tf.Tensor[] {
    const node = new GraphNode(
      this.nodes.length,
      operation,
      inputs.map((tensor) => this.source(tensor)),
    );
    this.nodes.push(node);
    return shapes.map((shape) => {
      const value = new Value(node, shape);
      node.outputs.push(value);
      return pendingTensor(value);
    });
  }

  /** Keeps what was worked out early there for nodes that have not run. */
  pin(values: Iterable<Value>): void {
    for (const value of values) {
      if (!this.has(value.node) || value.tensor === undefined || value.tensor.isDisposed || value.pin !== undefined) {
        continue;
      }
      value.pin = this.#held(value.tensor);
    }
  }

  /** Values made from node `start` on are not expected to be asked for, but for those that are given on. */
  forget(start: number, given: ReadonlySet<tf.Tensor>): void {
    for (const node of this.nodes.slice(start)) {
      for (const value of node.outputs) {
        const { tensor } = value;
        value.isForgotten = tensor === undefined || !(given.has(tensor) || tensor.kept);
      }
    }
  }

  /** What somebody may still ask for. */
  get open(): Value[] {
    return this.nodes.flatMap(({ outputs }) => outputs.filter((value) => isOpen(value) && !value.isForgotten));
  }

  /** What has not yet changed the state of its layer. */
  get owing(): GraphNode[] {
    return this.nodes.filter((node) => node.changesState && !node.hasRun);
  }

  /** Lets go of what values are made of, when nobody can ask for one any more. */
  end(): void {
    const open = this.nodes.flatMap(({ outputs }) => outputs.filter(isOpen));
    if (open.length === 0) {
      this.#dispose();
    } else {
      whenSettled(open, () => this.#dispose());
    }
  }

  #dispose(): void {
    for (const tensor of this.#holds) {
      tensor.dispose();
    }
    for (const { outputs } of this.nodes) {
      for (const value of outputs) {
        value.pin = undefined;
      }
    }
  }

  #held(tensor: tf.Tensor): tf.Tensor {
    const handle = hold(tensor);
    this.#holds.push(handle);
    return handle;
  }
}

let current: Trace | undefined;
let isOff = false;

/** Whether a value is pending and somebody holds it. */
function isOpen({ tensor }: Value): boolean {
  return tensor !== undefined && !tensor.isDisposed && pendingValue(tensor) !== undefined;
}

/** Works out values now, and what else somebody may still ask for among what leads to them, so that nothing is worked out twice. */
function settle(values: readonly Value[], nodes: readonly GraphNode[] = []): void {
  const wanted = new Set<Value>();
  const visit = (value: Value) => {
    if (wanted.has(value)) {
      return;
    }
    wanted.add(value);
    for (const input of value.node.inputs) {
      if (input instanceof Value && input.node.hasRun === false) {
        visit(input);
      }
    }
  };
  for (const value of [...values, ...nodes.map(({ output }) => output)]) {
    visit(value);
  }
  const trace = current;
  const kept = [...wanted].filter((value) => values.includes(value) || (isOpen(value) && !value.isForgotten));
  work(trace, kept, nodes);
  trace?.pin(kept);
}

/** Works out values of a trace, and before them what else is pending and reads the running statistics that it changes. */
function work(trace: Trace | undefined, values: readonly Value[], nodes: readonly GraphNode[]): void {
  suspended(() => {
    if (trace !== undefined) {
      execute(pendingReaders(changedBy(trace.owing), (node) => !trace.has(node)));
    }
    const paid = execute(values, nodes);
    if (trace !== undefined) {
      trace.isWorthIt ||= paid;
    }
  });
}

/** Works out what is pending and reads variables that are about to change: it was called when they had the values that they have now. */
function settleReaders(variables: readonly tf.Variable[]): void {
  if (isExecuting() || !hasPending()) {
    return;
  }
  const values = suspended(() => {
    const readers = pendingReaders(new Set(variables), () => true);
    execute(readers);
    return readers;
  });
  current?.pin(values);
}

/** Works out all that somebody may still ask for. */
function settleAll(): void {
  if (current !== undefined) {
    settle(current.open, current.owing);
  }
}

/** Runs something outside of the trace. */
function suspended<T>(body: () => T): T {
  const before = current;
  current = undefined;
  beforeReads(undefined);
  try {
    return body();
  } finally {
    watch(before);
  }
}

function watch(trace: Trace | undefined): void {
  current = trace;
  beforeReads(
    trace === undefined
      ? undefined
      : () => {
          const { owing } = trace;
          if (owing.length > 0) {
            settle([], owing);
          }
        },
  );
}

/** The tensors themselves, worked out. */
export function settled(container: unknown): void {
  if (!hasPending()) {
    return;
  }
  const values = [...tensorsIn(container)].map(pendingValue).filter((value) => value !== undefined);
  if (values.length > 0) {
    settle(values);
  }
}

/**
 * Runs a function in which every layer and every operation runs when it is called: no graph, no program. For comparisons.
 *
 * @param body runs forward passes, synchronously
 * @returns what it returned
 */
export function eagerly<T>(body: () => T): T {
  if (typeof body !== "function") {
    throw new OptionError("eagerly", "body", body, "a function");
  }
  const before = isOff;
  isOff = true;
  try {
    return body();
  } finally {
    isOff = before;
  }
}

/** The outermost call of a module whose calls are not worth a graph. */
function callEagerly(layer: Layer, verdict: Verdict, forward: Forward, inputs: unknown[]): unknown {
  guardTurn();
  const before = beginCalls();
  isOff = true;
  try {
    const output = forward.apply(layer, inputs);
    if (callMark() !== verdict.mark) {
      forget(layer, verdict);
    }
    return output;
  } finally {
    isOff = false;
    endCalls(before);
  }
}

/** Runs a module's own forward pass as part of a graph. */
function callModule(layer: Layer, isLayer: boolean, forward: Forward, inputs: unknown[]): unknown {
  if (isOff || isExecuting()) {
    if (isOff) {
      noteCall(layer, inputs);
    }
    return forward.apply(layer, inputs);
  }
  if (isLayer) {
    return current === undefined ? forward.apply(layer, inputs) : callLayer(current, layer, forward, inputs);
  }
  if (current === undefined) {
    if (isNested()) {
      return forward.apply(layer, inputs);
    }
    const verdict = verdictOn(layer, inputs);
    return verdict === undefined ? callOutermost(layer, forward, inputs) : callEagerly(layer, verdict, forward, inputs);
  }
  noteCall(layer, inputs);
  const trace = current;
  const start = trace.nodes.length;
  const output = forward.apply(layer, inputs);
  if (current === trace) {
    trace.forget(start, given(layer, output));
  }
  return output;
}

function callLayer(trace: Trace, layer: Layer, forward: Forward, inputs: unknown[]): unknown {
  noteCall(layer, inputs);
  const [x] = inputs as [tf.Tensor];
  const isKnown = inputs.length === 1 && x instanceof tf.Tensor && x.dtype === "float32" && x.size > 0;
  const operation = isKnown ? layer.operation?.(x) : null;
  if (operation === null || operation === undefined) {
    return forward.apply(layer, inputs);
  }
  return trace.add(operation, [x], [operation.shape])[0];
}

function callOutermost(layer: Layer, forward: Forward, inputs: unknown[]): unknown {
  const trace = new Trace();
  const before = beginCalls();
  guardTurn();
  watch(trace);
  let isWhole = false;
  try {
    const output = forward.apply(layer, inputs);
    isWhole = true;
    // Where nothing cleans up, everything stays for whoever may have kept it.
    if (books().state.activeScope !== null && !(output instanceof Promise)) {
      trace.forget(0, given(layer, output));
    }
    work(trace, trace.open, trace.owing);
    if (!trace.isWorthIt && hasKernel("ProgramTraining")) {
      remember(layer, inputs);
    }
    return output;
  } finally {
    watch(undefined);
    endCalls(before);
    try {
      // What ran before an error has changed the state of its layers.
      if (!isWhole) {
        execute(trace.nodes.filter((node) => node.changesState && !node.hasRun).map(({ output }) => output));
      }
    } finally {
      trace.end();
    }
  }
}

/** What a module gives on: its output, and what its fields hold. */
function given(layer: Layer, output: unknown): ReadonlySet<tf.Tensor> {
  const tensors = tensorsIn(output);
  for (const value of Object.values(layer)) {
    if (value instanceof tf.Tensor || Array.isArray(value)) {
      tensorsIn(value, tensors);
    }
  }
  return tensors;
}

const wrapped = new WeakSet<object>();

/** Makes the classes of a module, from its own up to `root`, take part: their forward passes become those of graphs. */
export function prepareForward(type: { readonly prototype: object }, root: object): void {
  structureChanged();
  for (let holder = type.prototype; holder !== root && holder !== null; holder = Object.getPrototypeOf(holder)) {
    const found = Object.getOwnPropertyDescriptor(holder, "forward");
    if (typeof found?.value !== "function" || wrapped.has(found.value)) {
      continue;
    }
    const forward = found.value as Forward;
    const isLayer = Object.hasOwn(holder, "operation");
    const call: Forward = function (...inputs) {
      return callModule(this, isLayer, forward, inputs);
    };
    Object.defineProperty(call, "name", { value: forward.name });
    Object.defineProperty(call, "length", { value: forward.length });
    wrapped.add(call);
    Object.defineProperty(holder, "forward", { ...found, value: call });
  }
}

interface KernelParameters {
  readonly kernelName?: string;
  readonly inputs: Readonly<Record<string, tf.Tensor | null | undefined>> | readonly tf.Tensor[];
  readonly attrs?: object;
}

interface PatchedEngine {
  runKernelFunc(parameters: KernelParameters): tf.Tensor | tf.Tensor[];
  makeVariable(initial: tf.Tensor, ...rest: unknown[]): tf.Variable;
  gradients(...args: unknown[]): unknown;
}

function roleOf(kernel: string, inputs: readonly tf.Tensor[], attributes: object | undefined) {
  const isImages = inputs.every(({ rank }) => rank === 4);
  if (!isImages) {
    return null;
  }
  if (kernel === "Relu" || kernel === "Relu6") {
    return kernel === "Relu" ? "relu" : "relu6";
  }
  const [a, b] = inputs;
  if (kernel === "Add" && a !== undefined && b !== undefined && a !== b && tf.util.arraysEqual(a.shape, b.shape)) {
    return "sum";
  }
  const { axis } = { axis: 0, ...attributes };
  return kernel === "Concat" && (axis === 3 || axis === -1) ? "concatenation" : null;
}

/** A kernel that was called while tensors are pending: written down where it is known, run on what its inputs come to otherwise. */
function callKernel(run: PatchedEngine["runKernelFunc"], parameters: KernelParameters): tf.Tensor | tf.Tensor[] {
  const { kernelName, inputs, attrs } = parameters;
  const entries = Object.entries(inputs).filter(([, tensor]) => tensor !== null && tensor !== undefined);
  const tensors = entries.map(([, tensor]) => tensor as tf.Tensor);
  if (kernelName === undefined) {
    // Its function may use whatever it likes, and what happens in it is not recorded.
    settled(tensors);
    settleAll();
    return suspended(() => run(parameters));
  }
  if (!tensors.some((tensor) => pendingValue(tensor) !== undefined)) {
    return run(parameters);
  }
  const shapes = current === undefined ? null : outputShapes(kernelName, tensors, attrs);
  if (current === undefined || shapes === null) {
    settled(tensors);
    return run(parameters);
  }
  const names = Array.isArray(inputs) ? null : entries.map(([name]) => name);
  const role = roleOf(kernelName, tensors, attrs);
  const outputs = current.add({ kind: "kernel", name: kernelName, names, attributes: attrs, role }, tensors, shapes);
  return givesList(kernelName) ? outputs : (outputs[0] as tf.Tensor);
}

function install(): void {
  const engine = tf.engine() as unknown as PatchedEngine;
  const runKernelFunc = engine.runKernelFunc.bind(engine);
  engine.runKernelFunc = (parameters) =>
    hasPending() && !isExecuting() ? callKernel(runKernelFunc, parameters) : runKernelFunc(parameters);
  const makeVariable = engine.makeVariable.bind(engine);
  engine.makeVariable = (initial, ...rest) => {
    settled(initial);
    return makeVariable(initial, ...rest);
  };
  // A gradient within a forward pass has a tape that leads through what was called in it alone.
  const gradients = engine.gradients.bind(engine);
  engine.gradients = (...args) => {
    if (!hasPending() || isExecuting()) {
      return gradients(...args);
    }
    settleAll();
    settled(args);
    return suspended(() => gradients(...args));
  };
  const { assign } = tf.Variable.prototype;
  tf.Variable.prototype.assign = function (value) {
    settled(value);
    // What was called before reads what was there before.
    if (current !== undefined) {
      settleAll();
    }
    settleReaders([this]);
    assign.call(this, value);
  };
  beforeInPlaceChange(settleReaders);
}

resolveWith((value) => {
  settle([value]);
  return value.tensor as tf.Tensor;
});
install();
atEndOfTurn(() => {
  watch(undefined);
  isOff = false;
});
