import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import { Fots, FotsBackbone } from "./fots.ts";
import { ImageNetResNet } from "./imagenet-resnet.ts";

const small = { blockName: "BasicBlock", layers: [1, 1, 1, 1], planes: 4 } as const;

describe("Fots on a narrow backbone", () => {
  it("gives a score and a geometry for every fourth pixel, within their bounds", () => {
    const model = new Fots({ backbone: small, imageSize: 64 }).eval();
    const { score, geometry } = model.forward(tf.randomUniform([1, 32, 64, 3]));
    expect(score.shape).toEqual([1, 8, 16, 1]);
    expect(geometry.shape).toEqual([1, 8, 16, 5]);
    const values = geometry.dataSync();
    for (let at = 0; at < values.length; at++) {
      const value = values[at] as number;
      if (at % 5 === 4) {
        expect(Math.abs(value)).toBeLessThanOrEqual(Math.PI / 2);
      } else {
        expect(value).toBeGreaterThanOrEqual(0);
      }
      expect(value).toBeLessThanOrEqual(64);
    }
  });

  it("knows its channels for both kinds of blocks", () => {
    expect(new FotsBackbone(small).channels).toEqual([4, 8, 16, 32]);
    expect(new FotsBackbone({ layers: [1, 1, 1, 1], planes: 4 }).channels).toEqual([16, 32, 64, 128]);
  });

  it("names a width that cannot be", () => {
    expect(() => new ImageNetResNet({ ...small, planes: 0 })).toThrow(/planes/);
  });
});
