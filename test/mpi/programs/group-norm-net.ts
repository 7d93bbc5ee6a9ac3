/** A residual network without statistics of batches, as a plugin of a configuration: several processes compute what one does, but for rounding. */
import * as tf from "@tensorflow/tfjs-core";
import { hparam, nn, registerModel } from "convbook";

/** [N, H, W, C] -> [N, H, W, C]: y = relu(x + norm(conv(x))). */
class Block extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  readonly net;

  constructor(channels: number) {
    super();
    this.net = new nn.Sequential(
      new nn.Conv2d(channels, channels, { kernelSize: 3, padding: 1, bias: false }),
      new nn.GroupNorm(4, channels),
    );
  }

  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.relu(tf.add(x, this.net.forward(x))));
  }
}

/** Hyper-parameters of the network. */
export interface GroupNormNetHparams {
  numClasses?: number;
  /** Channels of all layers, a multiple of 4; default 16. */
  width?: number;
}

const groupNormNet = ({ numClasses = 10, width = 16 }: GroupNormNetHparams = {}) =>
  new nn.Sequential(
    new nn.Conv2d(3, width, { kernelSize: 3, padding: 1, stride: 2 }),
    new nn.GroupNorm(4, width),
    new nn.ReLU(),
    new Block(width),
    new Block(width),
    new nn.AdaptiveAvgPool2d(1),
    new nn.Flatten(),
    new nn.Linear(width, numClasses),
  );

declare module "convbook" {
  interface RegisteredModels {
    GroupNormNet: typeof groupNormNet;
  }
}

registerModel("GroupNormNet", groupNormNet, {
  numClasses: hparam.integer(1, 1000),
  width: hparam.integer(4, 256),
});
