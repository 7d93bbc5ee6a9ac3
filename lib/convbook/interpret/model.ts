/** Running a model to look into it: evaluation mode, layers by name, activations, classes. */
import * as tf from "@tensorflow/tfjs-core";
import { describeValue } from "../arguments/describe.ts";
import { OptionError } from "../arguments/option-error.ts";
import { type AnyModule, Module } from "../nn/index.ts";
import { InterpretError } from "./errors.ts";

/** A classifier of images: [N, H, W, C] -> logits [N, K]. */
export type ImageModel = Module<[x: tf.Tensor4D], tf.Tensor> | Module;

/** Layers by their dotted names, as `model.namedModules()` gives them, or the modules themselves. */
export type LayerRef = string | AnyModule;

/** Refuses what is no network, naming the argument. */
export function checkModel(owner: string, model: unknown): void {
  if (!(model instanceof Module)) {
    throw new OptionError(owner, "model", model, "a module");
  }
}

/** The layer and its name. @throws InterpretError naming the layers that there are */
export function resolveLayer(model: AnyModule, layer: LayerRef): { name: string; module: AnyModule } {
  if (typeof layer !== "string" && !(layer instanceof Module)) {
    throw new InterpretError(`the layer is ${describeValue(layer)}; expected its name, or the module itself`);
  }
  const all = model.namedModules();
  const found = all.find(([name, module]) => (typeof layer === "string" ? name === layer : module === layer));
  if (found) {
    return { name: found[0], module: found[1] };
  }
  if (typeof layer !== "string") {
    throw new InterpretError(`the layer ${layer.typeName} is not part of the model`);
  }
  const near = all
    .map(([name]) => name)
    .filter((name) => name !== "" && (name.startsWith(layer) || layer.startsWith(name) || name.endsWith(layer)));
  const names = (near.length > 0 ? near : all.map(([name]) => name).filter((name) => name !== "")).slice(0, 12);
  throw new InterpretError(
    `there is no layer "${layer}"; there are ${names.join(", ")}${names.length === 12 ? ", …" : ""}`,
  );
}

/** Runs `act` with the model in evaluation mode, and puts every module back into the mode that it had. */
export function evaluating<T>(model: AnyModule, act: () => Promise<T>): Promise<T> {
  return inMode(model, false, act);
}

/** Runs `act` with the model in a mode, and puts back every module's mode, and the buffers that training mode changes. */
export async function inMode<T>(model: AnyModule, training: boolean, act: () => Promise<T>): Promise<T> {
  const before = model.modules().map((module) => [module, module.training] as const);
  const saved = training ? model.buffers().map((buffer) => [buffer, buffer.toTensorData()] as const) : [];
  model.train(training);
  try {
    return await act();
  } finally {
    for (const [module, mode] of before) {
      module.training = mode;
    }
    for (const [buffer, value] of saved) {
      buffer.load(value);
    }
  }
}

/** Runs `act` with a hook on a layer, and removes it whatever happens. */
export function hooked<T>(layer: AnyModule, hook: (output: tf.Tensor) => tf.Tensor | undefined, act: () => T): T {
  const remove = layer.registerForwardHook((_module, _inputs, output) => hook(output as tf.Tensor));
  try {
    return act();
  } finally {
    remove();
  }
}

/** The logits of a batch. */
export function logitsOf(model: ImageModel, x: tf.Tensor): tf.Tensor2D {
  const out = (model as Module).forward(x);
  if (out.rank !== 2) {
    throw new InterpretError(`the model gives [${out.shape.join(", ")}]; expected logits [N, classes]`);
  }
  return out as tf.Tensor2D;
}

/** A batch from one image or several; the caller's tensor stays as it is. */
export function asBatch(x: tf.Tensor): tf.Tensor4D {
  if (!(x instanceof tf.Tensor)) {
    throw new InterpretError(`the images are ${describeValue(x)}; expected a tensor [H, W, C] or [N, H, W, C]`);
  }
  if (x.rank === 3) {
    return tf.expandDims(x, 0);
  }
  if (x.rank === 4) {
    return tf.clone(x) as tf.Tensor4D;
  }
  throw new InterpretError(`images have shape [${x.shape.join(", ")}]; expected [H, W, C] or [N, H, W, C]`);
}

/**
 * The class that is asked about for each image: as given, or the one that the model predicts.
 *
 * @throws InterpretError where a class is out of range or their number is not that of the images
 */
export async function resolveTargets(
  model: ImageModel,
  batch: tf.Tensor4D,
  target: number | readonly number[] | undefined,
): Promise<number[]> {
  const logits = tf.tidy(() => logitsOf(model, batch));
  const [count, classes] = logits.shape;
  const best = tf.tidy(() => tf.argMax(logits, 1));
  const predicted = Array.from(await best.data());
  tf.dispose([logits, best]);
  if (target === undefined) {
    return predicted;
  }
  if (typeof target !== "number" && !Array.isArray(target)) {
    throw new InterpretError(`target is ${describeValue(target)}; expected a class, or a list of one for each image`);
  }
  const list: readonly number[] = typeof target === "number" ? predicted.map(() => target) : target;
  if (list.length !== count) {
    throw new InterpretError(`target has ${list.length} classes for ${count} images`);
  }
  for (const one of list) {
    if (!Number.isInteger(one) || one < 0 || one >= classes) {
      throw new InterpretError(`target is ${describeValue(one)}; expected a class from 0 to ${classes - 1}`);
    }
  }
  return [...list];
}

/** The sum over the batch of each image's logit of its class: its gradient by the images is that of each logit by its own image. */
export function targetSum(logits: tf.Tensor2D, targets: readonly number[]): tf.Scalar {
  return tf.sum(tf.mul(logits, maskOf(targets, logits.shape[1])));
}

/** [N, width]: a one in each row. (The WebAssembly backend's OneHot gives integers whatever type is asked for.) */
export function maskOf(places: readonly number[], width: number): tf.Tensor2D {
  const mask = new Float32Array(places.length * width);
  places.forEach((place, row) => {
    mask[row * width + place] = 1;
  });
  return tf.tensor2d(mask, [places.length, width]);
}
