/**
 * Muon (K. Jordan and others 2024, https://kellerjordan.github.io/posts/muon/): momentum whose singular values are all brought near 1 before it is
 * taken off the weights. As `torch.optim.Muon`, and with what its first use, a record on CIFAR-10, does besides: filters of convolutions are matrices
 * of one row a filter, and are kept at one norm. Computed in float32, where the reference takes bfloat16.
 */
import * as tf from "@tensorflow/tfjs-core";
import { at } from "../../arguments/at.ts";
import { isNumber } from "../../arguments/check.ts";
import { Parameter } from "../../nn/parameter.ts";
import { refuseUnknownOptions, requireOption, withDefaults } from "../errors.ts";
import {
  assign,
  type BaseOptions,
  Optimizer,
  type OptimizerParameter,
  type ParameterGroup,
  type ParametersOrGroups,
  type Update,
} from "./optimizer.ts";

/** How the rate depends on a matrix's numbers of rows and columns. */
const rateFactors = {
  none: () => 1,
  original: (rows: number, columns: number) => Math.sqrt(Math.max(1, rows / columns)),
  match_rms_adamw: (rows: number, columns: number) => 0.2 * Math.sqrt(Math.max(rows, columns)),
} as const;

export interface MuonOptions extends BaseOptions {
  /** Momentum factor; default 0.95. */
  momentum: number;
  /** Nesterov's momentum; default true. */
  nesterov: boolean;
  /** Share of the weights that is taken off in each step, times the rate, apart from the gradient; default 0.1. */
  weightDecay: number;
  /** Iterations of Newton and Schulz; default 5. */
  nsSteps: number;
  /** Coefficients of x, x³ and x⁵ in an iteration; default 3.4445, −4.775 and 2.0315. */
  nsCoefficients: readonly [number, number, number];
  /** Added to the norm that the matrix is divided by first; default 1e-7. */
  eps: number;
  /**
   * What the rate is multiplied by for a matrix of R rows and C columns: √max(1, R / C) ("original", the default), 0.2 √max(R, C) ("match_rms_adamw") or
   * 1 ("none").
   */
  adjustLrFn: keyof typeof rateFactors;
  /** Whether weights are scaled to the norm √R before each step, as behind a normalisation they may be; default false. */
  normalize: boolean;
}

const defaults = {
  lr: 1e-3,
  momentum: 0.95,
  nesterov: true,
  weightDecay: 0.1,
  nsSteps: 5,
  nsCoefficients: [3.4445, -4.775, 2.0315],
  eps: 1e-7,
  adjustLrFn: "original",
  normalize: false,
} as const;

/** The Frobenius norm; tfjs's takes powers, which are slow. */
function norm(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.sum(tf.square(x)));
}

/** The matrix divided by its norm, to which `eps` is added; entries above 1 are brought down before they are squared, so that no square is infinite. */
function normalized(matrix: tf.Tensor2D, eps: number): tf.Tensor2D {
  const scale = tf.maximum(tf.max(tf.abs(matrix)), 1);
  const scaled: tf.Tensor2D = tf.div(matrix, scale);
  return tf.div(scaled, tf.add(norm(scaled), tf.div(eps, scale)));
}

/**
 * Brings a matrix's singular values near 1 and leaves its singular vectors as they are: `steps` times X ← aX + (bS + cS²)X with S = XXᵀ,
 * on whichever side is shorter, after division by the Frobenius norm. With the usual coefficients they come to lie between about 0.7 and 1.2.
 *
 * @param matrix [R, C], float32
 * @returns [R, C]
 * @throws {ConfigurationError} where it is no such tensor, or an option has no such value
 */
export function orthogonalize(matrix: tf.Tensor2D, options: Partial<Iteration> = {}): tf.Tensor2D {
  refuseUnknownOptions("orthogonalize", options, ["nsSteps", "nsCoefficients", "eps"]);
  requireOption(
    Array.isArray(matrix?.shape) && matrix.shape.length === 2,
    "orthogonalize.matrix",
    matrix?.shape ?? matrix,
    "a tensor [rows, columns]",
  );
  requireOption(matrix.dtype === "float32", "orthogonalize.matrix", matrix, "a tensor of float32");
  const { nsSteps = defaults.nsSteps, nsCoefficients = defaults.nsCoefficients, eps = defaults.eps } = options;
  checkIteration("orthogonalize", { nsSteps, nsCoefficients, eps });
  return iterated(matrix, { nsSteps, nsCoefficients, eps });
}

type Iteration = Pick<MuonOptions, "nsSteps" | "nsCoefficients" | "eps">;

function checkIteration(owner: string, { nsSteps, nsCoefficients, eps }: Iteration): void {
  requireOption(isNumber(eps, 0), `${owner}.eps`, eps, "a number of at least 0");
  requireOption(Number.isInteger(nsSteps) && nsSteps >= 0, `${owner}.nsSteps`, nsSteps, "a whole number of at least 0");
  const areThree =
    Array.isArray(nsCoefficients) && nsCoefficients.length === 3 && nsCoefficients.every(Number.isFinite);
  requireOption(areThree, `${owner}.nsCoefficients`, nsCoefficients, "three numbers");
}

function iterated(matrix: tf.Tensor2D, { nsSteps, nsCoefficients, eps }: Iteration): tf.Tensor2D {
  const [a, b, c] = nsCoefficients;
  return tf.tidy(() => {
    const [rows, columns] = matrix.shape;
    const isTall = rows > columns;
    let x = normalized(matrix, eps);
    for (let i = 0; i < nsSteps; i++) {
      const last = x;
      x = tf.tidy(() => {
        const squares: tf.Tensor2D = tf.matMul(last, last, isTall, !isTall);
        const factor: tf.Tensor2D = tf.add(tf.mul(squares, b), tf.mul(tf.matMul(squares, squares), c));
        return tf.add(tf.mul(last, a), isTall ? tf.matMul(last, factor) : tf.matMul(factor, last));
      });
      last.dispose();
    }
    return x;
  });
}

/**
 * Muon, for the weights of hidden layers: parameters of at least two dimensions. Biases, normalisations and the last layer belong to another optimizer.
 *
 * Of a filter [O, I, H, W] the matrix has O rows. State: `momentum_buffer`.
 *
 * @example
 * const optimizer = new Muon(filters, { lr: 0.02, weightDecay: 0.01 });
 */
export class Muon extends Optimizer<MuonOptions> {
  constructor(parameters: ParametersOrGroups<MuonOptions>, options: Partial<MuonOptions> = {}) {
    super(parameters, withDefaults<MuonOptions>(new.target.name, options, defaults));
  }

  override addParamGroup(group: Partial<MuonOptions> & { params: readonly OptimizerParameter[] }): void {
    super.addParamGroup(group);
    const flat = group.params.find(({ shape }) => shape.length < 2);
    requireOption(
      flat === undefined,
      "Muon.params",
      `one of shape [${flat?.shape.join(", ")}]`,
      "of at least two dimensions",
      "Biases and normalisations belong to another optimizer, such as SGD.",
    );
  }

  protected override checkOptions(options: MuonOptions): void {
    super.checkOptions(options);
    for (const key of ["momentum", "weightDecay"] as const) {
      requireOption(isNumber(options[key], 0), `Muon.${key}`, options[key], "a number of at least 0");
    }
    const { momentum, nesterov, adjustLrFn } = options;
    checkIteration("Muon", options);
    requireOption(momentum < 1, "Muon.momentum", momentum, "below 1");
    requireOption(!nesterov || momentum > 0, "Muon.nesterov", nesterov, "false, unless momentum is above 0");
    requireOption(
      Object.hasOwn(rateFactors, adjustLrFn),
      "Muon.adjustLrFn",
      adjustLrFn,
      '"original", "match_rms_adamw" or "none"',
    );
  }

  protected updateGroup(group: ParameterGroup<MuonOptions>, updates: readonly Update[]): void {
    const { lr, momentum, nesterov, weightDecay, adjustLrFn, normalize } = group;
    for (const update of updates) {
      const { variable, gradient, parameter } = update;
      const buffer = this.slot(update, "momentum_buffer");
      assign(buffer, () => tf.add(tf.mul(buffer, momentum), tf.mul(gradient, 1 - momentum)));
      const rows = at(parameter.shape, 0);
      const columns = variable.size / rows;
      const step = lr * rateFactors[adjustLrFn](rows, columns);
      // Rows that come last in memory make the matrix's transpose, whose singular values are the same.
      const isTransposed = parameter instanceof Parameter && parameter.layout.at(-1) === 0;
      const matrixShape: [number, number] = isTransposed ? [columns, rows] : [rows, columns];
      assign(variable, () => {
        const direction = nesterov ? tf.add(tf.mul(gradient, 1 - momentum), tf.mul(buffer, momentum)) : buffer;
        const change = iterated(tf.reshape(direction, matrixShape), group);
        const scale = normalize ? tf.div(Math.sqrt(rows), norm(variable)) : tf.scalar(1);
        const kept = tf.mul(variable, tf.mul(scale, 1 - lr * weightDecay));
        return tf.sub(kept, tf.mul(tf.reshape(change, variable.shape), step));
      });
    }
  }
}
