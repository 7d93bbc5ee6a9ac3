/** How far ahead of the best peer the engine is to be, and how near to what the machine can do. */
import type { Mode } from "./contest.ts";

/** A ratio that is to be reached at least, and one that is aimed at. */
export interface Goal {
  readonly floor: number;
  /** Where there is one. */
  readonly aim?: number;
}
type Goals = Readonly<Record<string, Readonly<Record<Mode, Goal>>>>;

const residual = { train: { floor: 1.5, aim: 1.8 }, infer: { floor: 1.3, aim: 1.6 } };

/** Of the tutorial's networks, against the best PyTorch found, on every kind of machine. */
export const speedGoals: Goals = {
  ResNet: residual,
  PreActResNet: residual,
  GoogleNet: { train: { floor: 2.4, aim: 3 }, infer: { floor: 2, aim: 2.7 } },
  DenseNet: { train: { floor: 3, aim: 3.5 }, infer: { floor: 2, aim: 2.7 } },
};

const wide = { train: { floor: 1.3, aim: 1.7 }, infer: { floor: 1.3, aim: 1.7 } };
const large = { train: { floor: 1.1, aim: 1.3 }, infer: { floor: 1.1, aim: 1.3 } };

/** Of large, mobile and wide networks, at each size of a batch. */
export const largeGoals: Goals = { resnet18: wide, resnet50: large, mobilenet_v2: large, WideResNet: wide };

/** Shares of the roofline in direct convolution's arithmetic, where there is no matrix unit. */
export function rooflineGoal(name: string, mode: Mode): Goal {
  return { floor: mode === "train" ? 0.75 : name === "ResNet" ? 1 : 0.9 };
}

/** Of the engine in WebAssembly: shares of the native one on `generic`, and how many times as fast as others. */
export const wasmGoals = {
  generic: { floor: 0.5, aim: 0.7 },
  tfjsWasm: { floor: 1.4, aim: 2 },
  tfjsCpu: { floor: 500, aim: 1000 },
  relaxed: { floor: 1.4 },
} satisfies Readonly<Record<string, Goal>>;

/** Columns that say how a ratio stands to its goal: whether the aim is reached, or the floor, or it is below; nothing where nobody was beside us. */
export function standing(goal: Goal | undefined, ratio: number | null) {
  const { floor, aim } = goal ?? {};
  const judged = floor !== undefined && ratio !== null;
  const met = !judged ? null : aim !== undefined && ratio >= aim ? "aim" : ratio >= floor ? "floor" : "below";
  return { floor: floor ?? null, aim: aim ?? null, met };
}

/** How many times faster than without programs a case must be, and how often one below that is measured at most: few turns beside other work prove nothing. */
export const programFloor = { ratio: 0.98, attempts: 4 };
