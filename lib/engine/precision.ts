/**
 * The precision of inference: in bf16, forward convolutions and products of matrices that nobody will differentiate round
 * their factors to bfloat16 and sum in float32. Tensors in memory are float32 all the same.
 */
import { engine } from "@tensorflow/tfjs-core";

export const precisions = ["float32", "bf16"] as const;

export type Precision = (typeof precisions)[number];

/** What {@link Engine.setPrecision} throws where the processor does not have the precision and `strict` is set. */
export class UnsupportedPrecisionError extends Error {
  override readonly name = "UnsupportedPrecisionError";
  readonly precision: Precision;
  /** The instruction set that the engine runs on. */
  readonly isa: string;

  constructor(precision: Precision, isa: string, reproducible = false) {
    super(whyNot(precision, isa, reproducible));
    this.precision = precision;
    this.isa = isa;
  }
}

/** Why a precision is not taken, in one line. */
export function whyNot(precision: Precision, isa: string, reproducible: boolean): string {
  if (reproducible) {
    return `The precision ${precision} is not there while results are to be reproducible`;
  }
  return `The precision ${precision} needs a processor with AMX, and the engine runs on ${isa}`;
}

/** @throws TypeError for a name that is not one of {@link precisions} */
export function parsePrecision(name: unknown): Precision {
  const found = precisions.find((precision) => precision === name);
  if (found !== undefined) {
    return found;
  }
  const near = /^(bfloat16|bf-?16)$/i.test(String(name)) ? '; did you mean "bf16"?' : "";
  throw new TypeError(`A precision is one of ${precisions.join(", ")}; got ${JSON.stringify(name)}${near}`);
}

let inUse: Precision = "float32";

/** The precision that inference runs in. */
export function precisionInUse(): Precision {
  return inUse;
}

export function usePrecision(precision: Precision): void {
  inUse = precision;
}

/**
 * Whether a forward convolution or a product that runs now may round its factors: the precision is bf16 and nobody records
 * gradients or computes them (those of products are products themselves).
 */
export function roundsFactors(): boolean {
  return inUse === "bf16" && !isDifferentiating();
}

function isDifferentiating(): boolean {
  const { activeTape, scopeStack } = engine().state;
  // tfjs keeps its tape to the end of the backward pass; a `Recording` goes back in scopes of the same name as tfjs does.
  return (activeTape ?? undefined) !== undefined || scopeStack.some(({ name }) => name === "backward");
}
