/** How far pictures must change so that a classifier answers otherwise. */
import * as tf from "@tensorflow/tfjs-core";
import { type ImageModel, logitsOf } from "./model.ts";

/** A picture that was changed until the answer changed. */
export interface Flip {
  /** The changed picture, normalised as the picture was, [H, W, C]. */
  readonly data: Float32Array;
  /** The class that it is taken for now. */
  readonly answer: number;
  /** Length of the change as a share of the picture's own. */
  readonly change: number;
}

/** The first step is this much longer than where a linear model would flip. */
const overshoot = 1.05;
/** How often a step that did not suffice is doubled, and then how often the way between is halved. */
const doublings = 6;
const halvings = 5;

/**
 * Moves each picture against a gradient until its class is no longer the highest, and then halves the way back, so that the change is hardly larger than
 * it must be.
 *
 * @param images [N, H, W, C]
 * @param gradient of the same shape: where the margin of the present answer grows
 * @param present the present answers, and by how much they lead
 * @returns null for a picture whose answer stays, however far it was moved
 */
export async function flips(
  model: ImageModel,
  images: tf.Tensor4D,
  gradient: tf.Tensor4D,
  present: readonly { readonly first: number; readonly margin: number }[],
): Promise<(Flip | null)[]> {
  const sums = tf.tidy(() => tf.stack([tf.sum(tf.square(gradient), [1, 2, 3]), tf.sum(tf.square(images), [1, 2, 3])]));
  const [slopes = [], sizes = []] = (await sums.array()) as number[][];
  sums.dispose();
  const moved = (steps: readonly number[]) =>
    tf.sub(images, tf.mul(gradient, tf.tensor4d([...steps], [steps.length, 1, 1, 1])));
  const answersAt = async (steps: readonly number[]) => {
    const answers = tf.tidy(() => tf.argMax(logitsOf(model, moved(steps)), 1));
    const found = await answers.data();
    answers.dispose();
    return Array.from(found);
  };
  const isFlipped = (answers: readonly number[], i: number) => answers[i] !== present[i]?.first;
  let high = present.map(({ margin }, i) => (overshoot * Math.max(margin, 1e-6)) / Math.max(slopes[i] ?? 0, 1e-12));
  const low = present.map(() => 0);
  let answers = await answersAt(high);
  for (let round = 0; round < doublings && high.some((_, i) => !isFlipped(answers, i)); round++) {
    for (const [i, step] of high.entries()) {
      if (!isFlipped(answers, i)) {
        low[i] = step;
      }
    }
    high = high.map((step, i) => (isFlipped(answers, i) ? step : 2 * step));
    answers = await answersAt(high);
  }
  const reached = high.map((_, i) => isFlipped(answers, i));
  for (let round = 0; round < halvings; round++) {
    const middle = high.map((step, i) => (step + (low[i] ?? 0)) / 2);
    const found = await answersAt(middle);
    for (const [i, step] of middle.entries()) {
      (isFlipped(found, i) ? high : low)[i] = step;
    }
  }
  answers = await answersAt(high);
  const pictures = tf.tidy(() => moved(high));
  const all = await pictures.data<"float32">();
  pictures.dispose();
  const size = all.length / Math.max(1, high.length);
  return high.map((step, i) => {
    const change = (step * Math.sqrt(slopes[i] ?? 0)) / Math.max(Math.sqrt(sizes[i] ?? 0), 1e-12);
    const data = all.slice(i * size, (i + 1) * size);
    return reached[i] === true ? { data, answer: answers[i] ?? 0, change } : null;
  });
}
