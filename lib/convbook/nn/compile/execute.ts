/** Works out values of a graph. */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { hasKernel, isNested, isRecording } from "../functional/backend.ts";
import type { Slot } from "./builder.ts";
import { paysToWriteDown } from "./cost.ts";
import { runChain } from "./fold.ts";
import { type External, type GraphNode, type Source, Value } from "./graph.ts";
import { isKnownToPrograms } from "./lower.ts";
import { pendingValue, sayFarewells, takeOver } from "./pending.ts";
import { outputNumber, outputOf, type PlanNode, type ProgramStep, planOf, type Step } from "./plan.ts";
import { PlanStore, planKey } from "./store.ts";
import { atEndOfTurn, guardTurn } from "./turn.ts";
import { decides } from "./verdicts.ts";

let depth = 0;
atEndOfTurn(() => {
  depth = 0;
});

/** Whether values are being worked out now. */
export function isExecuting(): boolean {
  return depth > 0;
}

/** How a graph runs, and whether that saves more than writing it down takes. */
interface Plan {
  readonly steps: readonly Step[];
  readonly pays: boolean;
}

const plans = new PlanStore<Plan>();

/**
 * Works out values, with all that leads to them. What somebody holds of them becomes the result; the rest is let go.
 *
 * @param values what is wanted
 * @param others nodes that are to run, too, for what they do to the state of their layers
 * @returns whether the graph was worth being written down
 */
export function execute(values: readonly Value[], others: readonly GraphNode[] = []): boolean {
  const wanted = new Set(values.filter((value) => madeTensor(value) === undefined));
  const nodes = nodesBehind([...[...wanted].map(({ node }) => node), ...others]);
  if (nodes.length === 0) {
    return false;
  }
  guardTurn();
  depth++;
  try {
    return new Execution(wanted, nodes).run();
  } finally {
    depth--;
    if (depth === 0) {
      sayFarewells();
    }
  }
}

/** The tensor of a value that has been worked out, while there is one. */
function madeTensor({ tensor, pin }: Value): tf.Tensor | undefined {
  if (tensor !== undefined && !tensor.isDisposed && pendingValue(tensor) === undefined) {
    return tensor;
  }
  return pin === undefined || pin.isDisposed ? undefined : pin;
}

/** Whether a value has been worked out, and is still there. */
export function isMade(value: Value): boolean {
  return madeTensor(value) !== undefined;
}

function givenTensor({ tensor, held }: External): tf.Tensor {
  if (!held.isDisposed) {
    return held;
  }
  if (!tensor.isDisposed) {
    return tensor;
  }
  throw new Error(
    "A tensor from within a module's forward pass was asked for after what it is made of had been disposed of. " +
      "Return it from forward, keep it with tf.keep, or put it into a field of the module.",
  );
}

/** Nodes with what has to run before them, in the order in which they were called. */
export function nodesBehind(last: readonly GraphNode[]): GraphNode[] {
  const found = new Set<GraphNode>();
  const open = [...last];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (found.has(node)) {
      continue;
    }
    found.add(node);
    for (const input of node.inputs) {
      if (input instanceof Value && madeTensor(input) === undefined) {
        open.push(input.node);
      }
    }
  }
  return [...found].sort((a, b) => a.index - b.index);
}

/** Running statistics that several of the nodes change: that happens in the order of the calls. */
function contestedStates(nodes: readonly GraphNode[]): ReadonlySet<unknown> {
  const seen = new Set<unknown>();
  const contested = new Set<unknown>();
  for (const { operation, changesState } of nodes) {
    if (!changesState || operation.kind !== "normalisation") {
      continue;
    }
    if (seen.has(operation.mean)) {
      contested.add(operation.mean);
    }
    seen.add(operation.mean);
  }
  return contested;
}

/** A step of a plan, and what it is of this graph. */
interface Run {
  readonly step: Step;
  readonly exit: GraphNode;
  readonly inputs: readonly Source[];
}

/** A node by itself, as if it had run when it was called. */
function single(number: number): Step {
  return { nodes: [number], exit: number };
}

class Execution {
  readonly #wanted: ReadonlySet<Value>;
  readonly #nodes: readonly GraphNode[];
  readonly #numbers: ReadonlyMap<GraphNode, number>;
  readonly #contested: ReadonlySet<unknown>;
  readonly #training = isRecording();
  /** What is given from outside, and its number. */
  readonly #externals = new Map<tf.Tensor, number>();
  readonly #sources: Source[] = [];
  /** Results that later steps read. */
  readonly #made = new Map<Value, tf.Tensor>();
  readonly #readers = new Map<Value, number>();

  constructor(wanted: ReadonlySet<Value>, nodes: readonly GraphNode[]) {
    this.#wanted = wanted;
    this.#nodes = nodes;
    this.#numbers = new Map(nodes.map((node, i) => [node, i]));
    this.#contested = contestedStates(nodes);
  }

  /** Whether it was worth being written down. */
  run(): boolean {
    const plan = this.#plan();
    const runs = plan.steps.map((step) => this.#run(step));
    for (const { inputs } of runs) {
      for (const input of inputs) {
        if (input instanceof Value) {
          this.#readers.set(input, (this.#readers.get(input) ?? 0) + 1);
        }
      }
    }
    try {
      for (const run of runs) {
        const { step } = run;
        const outputs = "built" in step ? [this.#runProgram(run, step)] : runChain(step, this.#nodes, this.#tensorOf);
        for (const number of step.nodes) {
          at(this.#nodes, number).hasRun = true;
        }
        for (const [i, value] of run.exit.outputs.entries()) {
          this.#take(value, at(outputs, i), run.inputs);
        }
        for (const input of run.inputs) {
          this.#release(input);
        }
      }
    } finally {
      for (const tensor of this.#made.values()) {
        tensor.dispose();
      }
    }
    return plan.pays;
  }

  /** Programs and single nodes, by a plan that is kept for graphs that look the same. */
  #plan(): Plan {
    const hasPrograms = hasKernel("ProgramTraining") && !isNested();
    const nodes = this.#nodes.map((node): PlanNode => {
      const { operation, outputs } = node;
      const isImages = outputs.length === 1 && node.output.shape.length === 4;
      const isOrdered = this.#isOrdered(node);
      return {
        operation,
        inputs: node.inputs.map((input) => this.#numberOf(input)),
        shapes: outputs.map(({ shape }) => shape),
        isKept: outputs.some((value) => this.#wanted.has(value)),
        isKnown: hasPrograms && isImages && !isOrdered && isKnownToPrograms(operation, this.#training),
        isOrdered,
      };
    });
    const shapes = [...this.#externals.keys()].map(({ shape }) => shape);
    const decided = hasPrograms && decides();
    if (nodes.length === 1) {
      return { steps: [single(0)], pays: !decided };
    }
    const folds = hasKernel("ConvolutionNormalized") ? "+" : "-";
    const key = (decided ? "?" : "!") + folds + planKey(nodes, shapes, this.#training);
    return plans.get(key, () => {
      const steps = planOf(nodes, shapes, this.#training);
      const pays = !decided || paysToWriteDown(nodes, steps, this.#training);
      return { steps: pays ? steps : nodes.map((_, i) => single(i)), pays };
    });
  }

  /** Whether a node runs by itself, when it is its turn: others change the same state, or it has changed it already. */
  #isOrdered({ operation, changesState, hasRun }: GraphNode): boolean {
    return changesState && operation.kind === "normalisation" && (hasRun || this.#contested.has(operation.mean));
  }

  /** As in {@link PlanNode.inputs}. */
  #numberOf(source: Source): number {
    const node = source instanceof Value ? this.#numbers.get(source.node) : undefined;
    if (node !== undefined && source instanceof Value) {
      return outputNumber(node, source.node.outputs.indexOf(source));
    }
    const tensor = this.#tensorOf(source);
    const known = this.#externals.get(tensor);
    if (known !== undefined) {
      return -1 - known;
    }
    this.#externals.set(tensor, this.#sources.length);
    this.#sources.push(source);
    return -this.#sources.length;
  }

  /** A step with what it reads. */
  #run(step: Step): Run {
    const exit = at(this.#nodes, step.exit);
    if ("built" in step) {
      return { step, exit, inputs: [this.#sourceOf(step.entry)] };
    }
    const nodes = step.nodes.map((number) => at(this.#nodes, number));
    const [only, ...others] = nodes;
    if (only !== undefined && others.length === 0) {
      return { step, exit, inputs: only.inputs };
    }
    const isWithin = (input: Source) => input instanceof Value && nodes.includes(input.node);
    return { step, exit, inputs: nodes.flatMap(({ inputs }) => inputs).filter((input) => !isWithin(input)) };
  }

  /** The source that {@link PlanNode.inputs} calls by this number. */
  #sourceOf(number: number): Source {
    if (number < 0) {
      return at(this.#sources, -1 - number);
    }
    const { node, place } = outputOf(number);
    return at(at(this.#nodes, node).outputs, place);
  }

  readonly #tensorOf = (source: Source): tf.Tensor => {
    if (!(source instanceof Value)) {
      return givenTensor(source);
    }
    return (this.#made.get(source) ?? madeTensor(source)) as tf.Tensor;
  };

  #runProgram({ inputs: [entry] }: Run, { built }: ProgramStep): tf.Tensor {
    const { program, parameters, running } = built;
    const inputs = [this.#tensorOf(entry as Source), ...parameters.map((slot) => this.#parameter(slot))];
    const attributes = { program, running: running.map((slot) => this.#parameter(slot)) };
    const outputs: unknown = tf
      .engine()
      .runKernel(
        this.#training ? "ProgramTraining" : "Program",
        inputs as unknown as tf.NamedTensorMap,
        attributes as unknown as tf.NamedAttrMap,
      );
    if (!Array.isArray(outputs)) {
      return outputs as tf.Tensor;
    }
    const [y, ...rest] = outputs as [tf.Tensor, ...tf.Tensor[]];
    for (const tensor of rest) {
      tensor.dispose();
    }
    return y;
  }

  #parameter({ node, key }: Slot): tf.Variable {
    const { operation } = at(this.#nodes, node);
    const isLayer = operation.kind === "convolution" || operation.kind === "normalisation";
    const variable = !isLayer
      ? null
      : key === "weight" || key === "bias"
        ? operation[key]
        : operation.kind === "normalisation"
          ? operation[key]?.variable
          : null;
    if (variable === null || variable === undefined) {
      throw new Error(`A ${operation.kind} has no ${key}.`);
    }
    return variable;
  }

  /** Takes a result. */
  #take(value: Value, result: tf.Tensor, inputs: readonly Source[]): void {
    // Some operations hand on what they were given.
    const isGiven = inputs.some((input) => this.#tensorOf(input) === result);
    const tensor = isGiven ? tf.clone(result) : result;
    const { tensor: held } = value;
    if (this.#wanted.has(value) && held !== undefined && !held.isDisposed && pendingValue(held) !== undefined) {
      takeOver(held, tensor);
    } else if ((this.#readers.get(value) ?? 0) > 0) {
      this.#made.set(value, tensor);
    } else {
      tensor.dispose();
    }
  }

  /** A reader less. */
  #release(source: Source): void {
    if (!(source instanceof Value)) {
      return;
    }
    const left = (this.#readers.get(source) ?? 0) - 1;
    this.#readers.set(source, left);
    if (left > 0) {
      return;
    }
    this.#made.get(source)?.dispose();
    this.#made.delete(source);
  }
}
