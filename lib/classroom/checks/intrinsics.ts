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

export { abs, floor, isArray, isFiniteNumber, isInteger, isNaNNumber, isView, max, min, now };

/** The text of a function or class as it was written, whatever `toString` of its own it has. */
export function sourceOf(value: object): string {
  return apply(functionToString, value, []);
}

/** The values of a tensor. */
export function valuesOf(tensor: tf.Tensor): ArrayLike<number> {
  return apply(dataSync, tensor, []) as ArrayLike<number>;
}
