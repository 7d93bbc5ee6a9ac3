/**
 * What a detector of the EAST and FOTS kind is trained with.
 *
 * Sources: Zhou et al., EAST, CVPR 2017, section 3.4; Milletari et al., V-Net, 2016, for the Dice loss; Liu et al., FOTS, CVPR 2018, section 3.4.
 */
import * as tf from "@tensorflow/tfjs-core";
import { checkNumber, shapeOfAny } from "../arguments/check.ts";
import { checkObject, refuseUnknownOptions } from "../arguments/options.ts";
import type { Detection } from "../nn/blocks/index.ts";
import { Module, ShapeError } from "../nn/index.ts";

/** Weights of the parts of {@link FotsLoss}. */
export interface FotsLossOptions {
  /** Weight of the geometry, sides and angle together, against the score; 1 by default. */
  readonly geometryWeight?: number;
  /** Weight of the angle against the sides; 10 by default, as in EAST. */
  readonly angleWeight?: number;
}

/** The loss and what it is made of, each a scalar. */
export interface FotsLosses {
  /** score + geometryWeight (sides + angleWeight angle). */
  readonly loss: tf.Scalar;
  /** 1 minus the Dice coefficient of the score map and the true one: 0 when they are the same, 1 when they share nothing. */
  readonly score: tf.Scalar;
  /** Mean of -ln((intersection + 1) / (union + 1)) of the boxes over the cells of texts. */
  readonly sides: tf.Scalar;
  /** Mean of 1 - cos(difference) over the cells of texts. */
  readonly angle: tf.Scalar;
}

/**
 * The loss of a text detector: Dice for the score map, and at the cells that do lie in a text, intersection over union for the four
 * distances and a cosine for the angle. The two boxes of a cell share their point, so their overlap without the angle is a product of sums.
 */
export class FotsLoss extends Module<[prediction: Detection, target: Detection, mask?: tf.Tensor4D], FotsLosses> {
  readonly geometryWeight: number;
  readonly angleWeight: number;

  /** @throws {OptionError} naming the weight that is wrong */
  constructor(options: FotsLossOptions = {}) {
    super();
    refuseUnknownOptions("FotsLoss", options, ["geometryWeight", "angleWeight"]);
    const { geometryWeight = 1, angleWeight = 10 } = options;
    this.geometryWeight = checkNumber("FotsLoss", "geometryWeight", geometryWeight, 0);
    this.angleWeight = checkNumber("FotsLoss", "angleWeight", angleWeight, 0);
  }

  /**
   * @param prediction score [N, H, W, 1] from 0 to 1; geometry [N, H, W, 5]: distances to the top, right, bottom and left side, and the angle
   * @param target the same of the true boxes, with scores 0 and 1
   * @param mask [N, H, W, 1], 0 where nothing is to be learned (text that nobody can read); everything counts without it
   * @throws ShapeError for shapes that do not fit each other
   */
  forward(prediction: Detection, target: Detection, mask?: tf.Tensor4D): FotsLosses {
    this.#check(prediction, target, mask);
    const [loss, score, sides, angle] = tf.tidy(() => {
      const truth = mask === undefined ? target.score : masked(target.score, mask);
      const guess = mask === undefined ? prediction.score : masked(prediction.score, mask);
      const shared = tf.sum(tf.mul(truth, guess));
      const dice = tf.div(tf.mul(2, shared), tf.add(tf.add(tf.sum(truth), tf.sum(guess)), 1e-5));
      const score = tf.sub(1, dice);

      // Whatever stands beside the texts counts nothing, though it be no number.
      const isText = tf.greater(truth, 0);
      const [top, right, bottom, left, turned] = partsOf(prediction.geometry, isText);
      const [trueTop, trueRight, trueBottom, trueLeft, trueTurned] = partsOf(target.geometry, isText);
      const area = tf.mul(tf.add(top, bottom), tf.add(right, left));
      const trueArea = tf.mul(tf.add(trueTop, trueBottom), tf.add(trueRight, trueLeft));
      const sharedHeight = tf.add(tf.minimum(top, trueTop), tf.minimum(bottom, trueBottom));
      const sharedWidth = tf.add(tf.minimum(right, trueRight), tf.minimum(left, trueLeft));
      const intersection = tf.mul(sharedHeight, sharedWidth);
      const union = tf.sub(tf.add(area, trueArea), intersection);
      // One pixel more on both sides of the fraction: no logarithm of 0, and less weight for tiny boxes.
      const overlap = tf.sub(tf.log(tf.add(union, 1)), tf.log(tf.add(intersection, 1)));
      const cells = tf.maximum(tf.sum(truth), 1);
      const overText = (map: tf.Tensor) => tf.div(tf.sum(tf.mul(map, truth)), cells);
      const sides = overText(overlap);
      const angle = overText(tf.sub(1, tf.cos(tf.sub(turned, trueTurned))));
      const geometry = tf.add(sides, tf.mul(angle, this.angleWeight));
      return [tf.add(score, tf.mul(geometry, this.geometryWeight)), score, sides, angle];
    }) as [tf.Scalar, tf.Scalar, tf.Scalar, tf.Scalar];
    return { loss, score, sides, angle };
  }

  #check(prediction: Detection, target: Detection, mask: tf.Tensor4D | undefined): void {
    for (const [name, maps] of Object.entries({ prediction, target })) {
      checkObject("FotsLoss", name, maps, "{ score, geometry }, two tensors");
      shapeOfAny("FotsLoss", maps.score, `${name}.score`);
      shapeOfAny("FotsLoss", maps.geometry, `${name}.geometry`);
    }
    const shape = prediction.score.shape;
    const [batch, height, width] = shape;
    const expect = (name: string, got: readonly number[], channels: number) => {
      const wanted = [batch, height, width, channels];
      if (got.length !== 4 || got.some((size, i) => size !== wanted[i])) {
        throw new ShapeError("FotsLoss", got, `${name} [${wanted.join(", ")}]`);
      }
    };
    expect("predicted scores", shape, 1);
    expect("predicted geometry", prediction.geometry.shape, 5);
    expect("true scores", target.score.shape, 1);
    expect("true geometry", target.geometry.shape, 5);
    if (mask !== undefined) {
      expect("a mask", shapeOfAny("FotsLoss", mask, "mask"), 1);
    }
  }

  protected override extraRepr(): string {
    return `geometryWeight=${this.geometryWeight}, angleWeight=${this.angleWeight}`;
  }
}

/** A map where the mask lets it through. */
function masked(map: tf.Tensor4D, mask: tf.Tensor4D): tf.Tensor4D {
  return tf.where(tf.greater(mask, 0), tf.mul(map, mask), 0) as tf.Tensor4D;
}

/** The four distances and the angle of the cells of texts, and 0 elsewhere. */
function partsOf(geometry: tf.Tensor4D, isText: tf.Tensor): Five {
  return tf.split(tf.where(isText, geometry, 0), 5, 3) as readonly tf.Tensor[] as Five;
}

type Five = readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
