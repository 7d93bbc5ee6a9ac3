/**
 * What the checks use of JavaScript and TensorFlow.js, as it was when this module was loaded. A cell that later replaces one of these for everybody, be it
 * by mistake, changes its own code and not what a check finds. A notebook loads the module before the first cell of the student's.
 */
import * as tf from "@tensorflow/tfjs-core";

const { apply } = Reflect;
const { toString: functionToString } = Function.prototype;
const { dataSync } = tf.Tensor.prototype;
const { isArray } = Array;
const now = performance.now.bind(performance);
const { max, min, abs, floor } = Math;
const { isFinite: isFiniteNumber, isInteger, isNaN: isNaNNumber } = Number;
const { isView } = ArrayBuffer;
const { freeze } = Object;
const Copy = Float64Array;
const viewLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length")
  ?.get as () => number;

export { abs, floor, freeze, isArray, isFiniteNumber, isInteger, isNaNNumber, isView, max, min, now };

/** The text of a function or class as it was written, whatever `toString` of its own it has. */
export function sourceOf(value: object): string {
  return apply(functionToString, value, []);
}

/** The values of a tensor. */
export function valuesOf(tensor: tf.Tensor): ArrayLike<number> {
  return apply(dataSync, tensor, []) as ArrayLike<number>;
}

/** The numbers of a typed array, as many as it really has, where nothing of its own is asked any more. */
export function copyOf(view: ArrayLike<number>): Float64Array {
  const copy = new Copy(apply(viewLength, view, []));
  for (let i = 0; i < copy.length; i++) {
    copy[i] = view[i] as number;
  }
  return copy;
}
