/** A model of tfjs's, graph or layers, run on both backends with the same made-up inputs. */
import { readFile } from "node:fs/promises";
import { engine, fileSystem } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";

/** What came out of a model on two backends. */
export interface Outcome {
  /** The shapes of its inputs, with sizes for those that it leaves open. */
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: number;
  /** The largest difference of all outputs, each as a share of its largest value; infinite where shapes, NaN or infinities differ. */
  readonly difference: number;
  /** The kernels that ran as the CPU backend's on the native one. */
  readonly fallbacks: readonly string[];
  /** Milliseconds of a run: the CPU backend's, and the best of several of the engine's. */
  readonly cpu: number;
  readonly native: number;
  /** Tensors that a further run left behind. */
  readonly left: number;
}

/** A model that was loaded, of either kind. */
interface Loaded {
  readonly inputs: readonly { readonly shape?: readonly (number | null)[] | null; readonly dtype: tf.DataType }[];
  run(inputs: tf.Tensor[]): Promise<tf.Tensor[]>;
  dispose(): void;
}

/** Sizes of a picture that a model leaves open. */
const openSize = 32;

const listOf = (result: tf.Tensor | tf.Tensor[] | tf.NamedTensorMap): tf.Tensor[] =>
  result instanceof tf.Tensor ? [result] : Array.isArray(result) ? result : Object.values(result);

async function loadModel(file: string): Promise<Loaded> {
  const { format, modelTopology }: { format?: string; modelTopology?: object } = JSON.parse(
    await readFile(file, "utf8"),
  );
  if (format === "layers-model" || (format === undefined && "model_config" in (modelTopology ?? {}))) {
    const model = await tf.loadLayersModel(fileSystem(file));
    return {
      inputs: model.inputs,
      run: async (inputs) => listOf(model.predict(inputs)),
      dispose: () => void model.dispose(),
    };
  }
  const model = await tf.loadGraphModel(fileSystem(file));
  return {
    inputs: model.inputs,
    run: async (inputs) => {
      try {
        return listOf(model.execute(inputs));
      } catch (error) {
        // Loops, branches and operations whose shapes depend on values.
        if (error instanceof Error && error.message.includes("executeAsync")) {
          return listOf(await model.executeAsync(inputs));
        }
        throw error;
      }
    },
    dispose: () => model.dispose(),
  };
}

function sizesOf(shape: readonly (number | null)[] | null | undefined): number[] {
  return (shape ?? []).map((size, axis) => (size !== null && size >= 0 ? size : axis === 0 ? 1 : openSize));
}

/** The same values on every backend: fractions, or whole numbers as pictures have them. */
function inputsOf(model: Loaded): tf.Tensor[] {
  return model.inputs.map(({ shape, dtype }, i) =>
    tf.tidy(() => {
      const most = dtype === "int32" ? 255 : 1;
      return tf.cast(tf.randomUniform(sizesOf(shape), 0, most, "float32", 7 + i), dtype);
    }),
  );
}

interface Run {
  readonly inputs: readonly (readonly number[])[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];
  readonly milliseconds: number;
  readonly left: number;
}

/** Runs a model `times` times on a backend; the milliseconds are the best one's. */
async function runOn(backend: string, load: () => Promise<Loaded>, times: number): Promise<Run> {
  await tf.setBackend(backend);
  const model = await load();
  const inputs = inputsOf(model);
  let outputs: Run["outputs"] = [];
  let [milliseconds, left] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < times; i++) {
    const before = tf.memory().numTensors;
    const start = performance.now();
    const results = await model.run(inputs);
    const values = results.map((result) => Float32Array.from(result.dataSync()));
    milliseconds = Math.min(milliseconds, performance.now() - start);
    outputs = results.map(({ shape }, k) => ({ shape, values: values[k] ?? new Float32Array() }));
    // An output may be an input, or another output.
    tf.dispose([...new Set(results)].filter((result) => !inputs.includes(result)));
    left = tf.memory().numTensors - before;
  }
  const shapes = inputs.map(({ shape }) => shape);
  tf.dispose(inputs);
  model.dispose();
  return { inputs: shapes, outputs, milliseconds, left };
}

/** The largest difference of two lists of outputs, as shares of their largest values, or of `least` where these are smaller. */
function differenceOf(got: Run["outputs"], wanted: Run["outputs"], least = 1e-20): number {
  let largest = got.length === wanted.length ? 0 : Number.POSITIVE_INFINITY;
  for (const [k, { shape, values }] of wanted.entries()) {
    const own = got[k];
    if (own === undefined || !tf.util.arraysEqual([...own.shape], [...shape])) {
      return Number.POSITIVE_INFINITY;
    }
    const scale = values.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      least,
    );
    values.forEach((value, i) => {
      const mine = own.values[i] ?? Number.NaN;
      if (!Object.is(mine, value)) {
        const apart = Math.abs(mine - value) / scale;
        largest = Math.max(largest, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
      }
    });
  }
  return largest;
}

async function compare(load: () => Promise<Loaded>, times: number): Promise<Outcome> {
  const cpu = await runOn("cpu", load, 1);
  const before = engine.info().fallbackRuns;
  const native = await runOn("native", load, times);
  const after = engine.info().fallbackRuns;
  return {
    inputs: native.inputs,
    outputs: native.outputs.length,
    difference: differenceOf(native.outputs, cpu.outputs),
    fallbacks: Object.keys(after).filter((name) => after[name] !== before[name]),
    cpu: cpu.milliseconds,
    native: native.milliseconds,
    left: native.left,
  };
}

/** Runs a model of a file, model.json or whatever it is called, on both backends. */
export function compareFile(file: string, times = 3): Promise<Outcome> {
  return compare(() => loadModel(file), times);
}

/**
 * Trains a layers model of a file for a step on both backends.
 *
 * @returns the largest difference of all weights after it, each as a share of the largest value beside it, or of a thousandth where all are smaller
 */
export async function compareTraining(file: string): Promise<number> {
  const after: Run["outputs"][] = [];
  for (const backend of ["cpu", "native"]) {
    await tf.setBackend(backend);
    const model = await tf.loadLayersModel(fileSystem(file));
    const inputs = inputsOf({ inputs: model.inputs, run: async () => [], dispose: () => {} });
    const targets = model.outputs.map(({ shape }, i) => tf.randomUniform(sizesOf(shape), 0, 1, "float32", 100 + i));
    model.compile({ optimizer: tf.train.sgd(0.1), loss: "meanSquaredError" });
    await model.trainOnBatch(inputs, targets);
    after.push(
      model.getWeights().map((weight) => ({ shape: weight.shape, values: Float32Array.from(weight.dataSync()) })),
    );
    tf.dispose([inputs, targets]);
    model.dispose();
  }
  const [cpu = [], native = []] = after;
  return differenceOf(native, cpu, 1e-3);
}
