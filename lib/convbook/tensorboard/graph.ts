/** The graph of a model as TensorBoard draws it: which layer takes whose output, found out by running the model once. */
import { record } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import { found } from "../arguments/found.ts";
import { eagerly } from "../nn/compile/tracing.ts";
import type { AnyModule } from "../nn/module.ts";

/** A node of a graph: a layer, or an operation between layers. */
export interface GraphNode {
  /** Its place: the modules around it, as groups that TensorBoard opens and closes. */
  readonly name: string;
  /** The layer's class or the operation's name. */
  readonly op: string;
  /** The names of the nodes whose outputs it takes. */
  readonly inputs: readonly string[];
  readonly attributes: ReadonlyMap<string, string | number>;
  /** Shapes of its outputs, where they are known; TensorBoard writes them on the edges. */
  readonly outputShapes?: readonly (readonly number[])[];
}

const tape = () => tf.engine().state.activeTape ?? [];
/** Nodes at the border, as PyTorch's writer names them. */
const borderOp = "IO Node";

/**
 * Runs a model in evaluation mode and notes what goes where. Layers, that is modules without children, are nodes; so are the operations that
 * containers do themselves, such as the sum of a residual block and the concatenation of a dense one.
 *
 * @param model left as it was
 * @param inputs what its forward pass takes; not disposed of
 * @returns nodes in the order in which they ran, the inputs first and the outputs last; groups are named as PyTorch names them,
 *   for example `ResNet/Sequential[blocks]/ResNetBlock[0]`
 */
export function traceGraph(model: AnyModule, inputs: readonly tf.Tensor[]): GraphNode[] {
  const trace = new Trace(model);
  for (const [i, input] of inputs.entries()) {
    trace.border(numbered("input", i, inputs.length), [], input);
  }
  const { outputs } = trace.run(inputs);
  for (const [i, output] of outputs.entries()) {
    trace.border(numbered("output", i, outputs.length), [output], output);
  }
  return trace.nodes;
}

const numbered = (name: string, i: number, count: number) => (count === 1 ? name : `${name}/${i}`);

class Trace {
  readonly nodes: GraphNode[] = [];
  readonly #model: AnyModule;
  readonly #places: ReadonlyMap<AnyModule, string>;
  /** By a tensor's id, the node that it comes from. */
  readonly #sources = new Map<number, string>();
  readonly #counts = new Map<string, number>();
  /** The containers that run, the innermost last. */
  readonly #running: AnyModule[] = [];
  /** Operations on the tape that are dealt with. */
  #seen = 0;

  constructor(model: AnyModule) {
    this.#model = model;
    this.#places = placesOf(model);
  }

  border(name: string, from: readonly tf.Tensor[], tensor: tf.Tensor): void {
    this.#add(name, borderOp, from, [tensor], new Map());
  }

  run(inputs: readonly tf.Tensor[]): { outputs: readonly tf.Tensor[] } {
    const model = this.#model;
    const modules = model.modules();
    const modes = modules.map((module) => ({ module, training: module.training }));
    const restore = modules.map((module) => this.#watch(module));
    let outputs: tf.Tensor[] = [];
    try {
      model.eval();
      const recording = eagerly(() =>
        record(() => {
          outputs = tensorsIn(model.forward(...inputs));
          return tf.zeros([0]);
        }),
      );
      recording.outputs.dispose();
      recording.dispose();
    } finally {
      for (const undo of restore) {
        undo();
      }
      for (const { module, training } of modes) {
        module.training = training;
      }
    }
    return { outputs };
  }

  /** Follows a module's forward passes. @returns stops it */
  #watch(module: AnyModule): () => void {
    const own = Object.getOwnPropertyDescriptor(module, "forward");
    const forward = module.forward as (...inputs: unknown[]) => unknown;
    const isLayer = module.children().length === 0;
    module.forward = (...inputs: unknown[]) => {
      this.#noteOperations();
      if (!isLayer) {
        this.#running.push(module);
      }
      const output = forward.apply(module, inputs);
      if (isLayer) {
        this.#seen = tape().length;
        this.#noteLayer(module, tensorsIn(inputs), tensorsIn(output));
      } else {
        this.#noteOperations();
        this.#running.pop();
      }
      return output;
    };
    return () => {
      if (own === undefined) {
        Reflect.deleteProperty(module, "forward");
      } else {
        Object.defineProperty(module, "forward", own);
      }
    };
  }

  #placeOf(module: AnyModule): string {
    return found(this.#places.get(module), `The place of ${module.typeName}`);
  }

  #noteLayer(module: AnyModule, inputs: readonly tf.Tensor[], outputs: readonly tf.Tensor[]): void {
    this.#add(this.#placeOf(module), module.typeName, inputs, outputs, settingsOf(module));
  }

  /** What the container that runs has done since its last layer. */
  #noteOperations(): void {
    const container = this.#running.at(-1) ?? this.#model;
    for (const { kernelName, inputs, outputs } of tape().slice(this.#seen)) {
      const from = Object.values(inputs);
      const copy = copyOf(from, outputs);
      if (copy !== undefined) {
        const source = this.#sources.get(copy.from.id);
        if (source !== undefined) {
          this.#sources.set(copy.to.id, source);
        }
        continue;
      }
      this.#add(`${this.#placeOf(container)}/${kernelName}`, kernelName, from, outputs, new Map());
    }
    this.#seen = tape().length;
  }

  #add(
    place: string,
    op: string,
    from: readonly tf.Tensor[],
    outputs: readonly tf.Tensor[],
    attributes: ReadonlyMap<string, string | number>,
  ): void {
    const count = this.#counts.get(place) ?? 0;
    this.#counts.set(place, count + 1);
    const name = count === 0 ? place : `${place}_${count}`;
    const inputs = [...new Set(from.map(({ id }) => this.#sources.get(id)))].filter((source) => source !== undefined);
    this.nodes.push({ name, op, inputs, attributes, outputShapes: outputs.map(({ shape }) => shape) });
    for (const { id } of outputs) {
      this.#sources.set(id, name);
    }
  }
}

/** What an operation took and gave that, as tfjs adds them for its own ends, gives what it took; undefined for others. */
function copyOf(from: readonly tf.Tensor[], to: readonly tf.Tensor[]): { from: tf.Tensor; to: tf.Tensor } | undefined {
  const [input, output] = [from[0], to[0]];
  if (from.length !== 1 || to.length !== 1 || input === undefined || output === undefined) {
    return undefined;
  }
  const isCopy = input.dataId === output.dataId && tf.util.arraysEqual(input.shape, output.shape);
  return isCopy ? { from: input, to: output } : undefined;
}

/** The modules of a model as nodes without edges, for want of an input to run it with. */
export function listModules(model: AnyModule): GraphNode[] {
  const places = placesOf(model);
  return model
    .modules()
    .filter((module) => module.children().length === 0)
    .map((module) => ({
      name: found(places.get(module), `The place of ${module.typeName}`),
      op: module.typeName,
      inputs: [],
      attributes: settingsOf(module),
    }));
}

/** `ResNet/Sequential[blocks]/ResNetBlock[0]`. */
function placesOf(root: AnyModule): ReadonlyMap<AnyModule, string> {
  const places = new Map<AnyModule, string>();
  const visit = (module: AnyModule, place: string) => {
    if (places.has(module)) {
      return;
    }
    places.set(module, place.replace(/[^\w./[\]-]/g, "_"));
    for (const [name, child] of module.namedChildren()) {
      visit(child, `${place}/${child.typeName}[${name}]`);
    }
  };
  visit(root, root.typeName);
  return places;
}

/** A layer's options, and the shapes of its parameters. */
function settingsOf(module: AnyModule): ReadonlyMap<string, string | number> {
  const settings = new Map<string, string | number>();
  for (const [key, value] of Object.entries(module)) {
    if (key === "training") {
      continue;
    }
    if (typeof value === "number" && Number.isSafeInteger(value)) {
      settings.set(key, value);
    } else if (["string", "boolean", "number"].includes(typeof value)) {
      settings.set(key, String(value));
    } else if (Array.isArray(value) && value.every((item) => typeof item === "number")) {
      settings.set(key, `[${value.join(", ")}]`);
    }
  }
  settings.set("module", String(module));
  for (const [name, { shape }] of module.namedParameters()) {
    settings.set(name, `[${shape.join(", ")}]`);
  }
  return settings;
}

function tensorsIn(value: unknown): tf.Tensor[] {
  if (value instanceof tf.Tensor) {
    return [value];
  }
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) {
    return [];
  }
  return Object.values(value).flatMap(tensorsIn);
}
