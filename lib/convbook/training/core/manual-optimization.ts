/**
 * Optimizing by hand, as with PyTorch Lightning's `automatic_optimization = False`: `trainingStep` itself goes back through its losses and steps
 * its optimizers, for example those of a generator and a discriminator in turns.
 */
import * as tf from "@tensorflow/tfjs-core";
import { ConfigurationError, NonFiniteError } from "../errors.ts";
import { Recording } from "../gradients/gradients.ts";
import type { Optimizer } from "../optimizers/optimizer.ts";
import { requireFiniteGradients } from "./non-finite.ts";
import type { TrainerContext } from "./trainer-context.ts";

type Tape = ConstructorParameters<typeof Recording>[1];
type TapeNode = Tape[number];

/** Options of `manualBackward`. */
export interface BackwardOptions {
  /** Keep what the backward pass used, so that another one can go through the same operations; default false. */
  readonly retainGraph?: boolean;
}

/** An optimizer in the hands of a module that optimizes by itself. */
export class ManualOptimizer {
  readonly optimizer: Optimizer;
  readonly #trainer: TrainerContext;

  constructor(trainer: TrainerContext, optimizer: Optimizer) {
    this.#trainer = trainer;
    this.optimizer = optimizer;
  }

  /** The groups, with their learning rates. */
  get paramGroups(): Optimizer["paramGroups"] {
    return this.optimizer.paramGroups;
  }

  /** Changes the optimizer's parameters once, by the gradients of `manualBackward`; counts as a step of training. */
  step(): void {
    const { optimizer } = this;
    const trainer = this.#trainer;
    if (trainer.module.automaticOptimization) {
      throw new ConfigurationError(
        `${trainer.module.typeName}.automaticOptimization`,
        true,
        "false for a module that steps its optimizers itself",
      );
    }
    trainer.hooks.callSync("onBeforeOptimizerStep", optimizer);
    offTape(() => {
      if (trainer.options.detectNonFinite) {
        requireFiniteGradients(trainer, trainer.progress.batch);
      }
      optimizer.step(trainer.gradients);
    });
    trainer.manual?.noteChange(optimizer.variables());
    trainer.progress.globalStep++;
  }

  /** Forgets the gradients of the optimizer's parameters. */
  zeroGrad(): void {
    this.#trainer.gradientStore.clear(allVariables(this.optimizer));
  }
}

/** The optimizers of a module: the first one by itself, or each of them in turn. */
export interface ManualOptimizers extends ManualOptimizer, Iterable<ManualOptimizer> {}

/** What `this.optimizers()` returns: used as one optimizer where there is one, or taken apart as `const [g, d] = this.optimizers()`. */
export function manualOptimizers(trainer: TrainerContext): ManualOptimizers {
  const each = trainer.optimizers.map((optimizer) => new ManualOptimizer(trainer, optimizer));
  const [first] = each;
  if (first === undefined) {
    throw new Error(`${trainer.module.typeName} has no optimizer yet; fit makes them.`);
  }
  const several = () => {
    throw new ConfigurationError(
      "What optimizers() returns",
      `${each.length} optimizers`,
      "taken apart, as in const [first, second] = this.optimizers()",
    );
  };
  const own =
    each.length === 1 ? first : Object.assign(new ManualOptimizer(trainer, first.optimizer), { step: several });
  return Object.assign(own, { [Symbol.iterator]: () => each.values() });
}

/** The backward passes of one `trainingStep` that is being recorded. */
export class ManualBatch {
  readonly #trainer: TrainerContext;
  readonly #used = new Set<TapeNode>();
  /** Where on the tape a variable was last changed. */
  readonly #changes = new Map<number, number>();

  constructor(trainer: TrainerContext) {
    this.#trainer = trainer;
  }

  /** Remembers that an optimizer changed variables: what was computed from them before has lost its way back. */
  noteChange(variables: readonly tf.Variable[]): void {
    for (const { id } of variables) {
      this.#changes.set(id, activeTape().length);
    }
  }

  /**
   * Adds the gradients of a loss to the trainer's.
   *
   * @throws NonFiniteError when the loss is not a finite number
   */
  backward(loss: tf.Tensor, { retainGraph = false }: BackwardOptions): void {
    const trainer = this.#trainer;
    if (!(loss instanceof tf.Tensor) || loss.size !== 1) {
      const got = loss instanceof tf.Tensor ? `a tensor of shape [${loss.shape.join(", ")}]` : loss;
      throw new ConfigurationError("The loss of manualBackward", got, "a scalar");
    }
    offTape(() => {
      const value = loss.dataSync()[0] ?? Number.NaN;
      const { epoch, batch, globalStep } = trainer.progress;
      if (!Number.isFinite(value)) {
        throw new NonFiniteError("the loss", value, { epoch, batchIndex: batch, globalStep });
      }
      const variables = trainer.optimizers.flatMap((optimizer) => optimizer.variables());
      const path = this.#pathTo(loss, variables);
      const recording = new Recording(loss, retainGraph ? path.map(retained) : path);
      const gradients = recording.backward(loss, variables);
      trainer.strategy.reduceGradientsSync(trainer, gradients);
      trainer.gradientStore.add(gradients, 1);
      if (!retainGraph) {
        for (const node of path) {
          this.#used.add(node);
        }
      }
    });
  }

  /** The operations between the variables and the loss, in the order in which they ran. */
  #pathTo(loss: tf.Tensor, variables: readonly tf.Variable[]): TapeNode[] {
    const dependent = new Set(variables.map(({ id }) => id));
    const forward: [TapeNode, position: number][] = [];
    for (const [i, node] of activeTape().entries()) {
      if (!Object.values(node.inputs).some(({ id }) => dependent.has(id))) {
        continue;
      }
      for (const { id } of node.outputs) {
        dependent.add(id);
      }
      forward.push([node, i]);
    }
    const leading = new Set([loss.id]);
    const path: TapeNode[] = [];
    for (const [node, position] of forward.toReversed()) {
      if (!node.outputs.some(({ id }) => leading.has(id))) {
        continue;
      }
      if (this.#used.has(node)) {
        throw new Error(
          `manualBackward went through ${node.kernelName} before, and what it needs is freed; ` +
            "give the earlier call { retainGraph: true }, or compute the loss again.",
        );
      }
      for (const { id } of Object.values(node.inputs)) {
        if ((this.#changes.get(id) ?? 0) > position) {
          throw new Error(
            `manualBackward needs ${node.kernelName} of a parameter as it was before an optimizer's step; ` +
              "go back through all losses first, or compute the loss again after the step.",
          );
        }
        leading.add(id);
      }
      path.push(node);
    }
    return path.reverse();
  }
}

/** An operation whose saved tensors stay when it has been gone back through. */
function retained(node: TapeNode): TapeNode {
  const saved = new Set(node.saved);
  const { gradient } = node;
  return {
    ...node,
    saved: [],
    ...(gradient && {
      gradient: (dys) =>
        Object.fromEntries(
          Object.entries(gradient(dys)).map(([name, compute]) => [
            name,
            () => {
              const dx = compute();
              return saved.has(dx) ? tf.clone(dx) : dx;
            },
          ]),
        ),
    }),
  };
}

function allVariables(optimizer: Optimizer): tf.Variable[] {
  return optimizer.paramGroups.flatMap(({ params }) =>
    params.map((parameter) => (parameter instanceof tf.Variable ? parameter : parameter.variable)),
  );
}

interface TapeState {
  activeTape: Tape | null;
  gradientDepth: number;
}

const tapeState = () => (tf.engine() as unknown as { state: TapeState }).state;

function activeTape(): Tape {
  return tapeState().activeTape ?? [];
}

/** Runs a function whose operations are not recorded. */
export function offTape<T>(f: () => T): T {
  const state = tapeState();
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return f();
  } finally {
    state.gradientDepth = depth;
  }
}
