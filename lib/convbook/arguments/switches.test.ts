/** Options that are true or false: others would be taken for one of the two. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { AlternatingFlip, ArrayDataset, MultiCrop, nn, optim } from "../index.ts";

describe("a switch", () => {
  it.each(["yes", "false", 1, 0, null])("is not %j", async (wrong) => {
    await tf.setBackend("cpu");
    const weights = new nn.Linear(2, 2);
    const [weight, ...rest] = weights.parameters();
    const all = [weight as nn.Parameter, ...rest];
    const value = wrong as never;
    const expected = "must be true or false, got";
    expect(() => new optim.SGD(all, { lr: 0.1, momentum: 0.9, nesterov: value })).toThrow(`SGD: nesterov ${expected}`);
    expect(() => new optim.Muon([weight as nn.Parameter], { normalize: value })).toThrow(`Muon: normalize ${expected}`);
    expect(() => new optim.SGD([{ params: all, nesterov: value }], { lr: 0.1, momentum: 0.9 })).toThrow(
      `SGD: nesterov ${expected}`,
    );
    expect(() => new MultiCrop(weights as never, { views: [{ mirror: value }] })).toThrow(
      `MultiCrop's views[0]: mirror ${expected}`,
    );
    weights.dispose();
  });

  it("of an image that is not there is refused", () => {
    const flip = new AlternatingFlip(new ArrayDataset(new Uint8Array(12), [2, 2, 3], [0], { classes: ["a"] }));
    for (const index of [1, -1, 0.5]) {
      expect(() => flip.isMirrored(index)).toThrow("AlternatingFlip.isMirrored: index must be a whole number below 1");
    }
  });
});
