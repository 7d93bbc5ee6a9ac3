/** A profile as a notebook shows it: Vega-Lite that draws, a picture, text. */
import { engine, type Profile } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { decodePng } from "nbconvert-ts-runner/png";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { display, type VegaLiteSpec, vegaLite } from "../../lib/convbook/display/index.ts";
import { profileSvg } from "../../lib/engine/profile-figure.ts";

const io = Symbol.for("jupyter.notebook.io");

interface Shown {
  readonly bundle: Record<string, unknown>;
  readonly options: { readonly metadata?: Record<string, Record<string, unknown>> };
}

describe.runIf(engine.available)("the figure of a profile", () => {
  let profile: Profile;

  beforeAll(async () => {
    await tf.setBackend("native");
    profile = await engine.profile(() =>
      tf.tidy(() => {
        const x = tf.conv2d(tf.ones<tf.Rank.R4>([2, 8, 8, 3]), tf.ones<tf.Rank.R4>([3, 3, 3, 8]), 1, "same");
        tf.localResponseNormalization(x as tf.Tensor4D);
      }),
    );
  });

  afterEach(() => {
    Reflect.deleteProperty(globalThis, io);
  });

  it("goes through display() to the notebook with a picture, a chart and text", () => {
    const shown: Shown[] = [];
    Reflect.set(globalThis, io, {
      display: (bundle: Shown["bundle"], options: Shown["options"]) => shown.push({ bundle, options }),
      clearOutput: () => {},
    });
    display(profile);
    const [{ bundle, options }] = shown as [Shown];
    expect(Object.keys(bundle)).toEqual(["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
    expect(bundle["text/plain"]).toContain("Conv2D");
    const image = decodePng(Buffer.from(bundle["image/png"] as string, "base64"));
    const { width, height, alt } = options.metadata?.["image/png"] ?? {};
    expect([image.width, image.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    expect(alt).toMatch(/^Time by kernel: [\d.]+ ms of [\d.]+ ms$/);
    // Something is drawn: not all pixels are alike.
    expect(
      new Set(new Uint32Array(image.data.buffer, image.data.byteOffset, image.width * image.height)).size,
    ).toBeGreaterThan(10);
  });

  it("has a chart that Vega-Lite draws, with every quantity", () => {
    const svg = vegaLite(profile.toVegaLite() as VegaLiteSpec).toSvg();
    for (const word of ["Conv2D", "LRN", "GFLOP/s", "GB/s", "calls", "in JavaScript"]) {
      expect(svg).toContain(word);
    }
  });

  it("marks what ran in JavaScript and escapes names in the picture without a renderer", () => {
    const [first] = profile.rows;
    const row = { ...(first as (typeof profile.rows)[number]), kernel: 'a<b>&"c"', native: false };
    const { svg } = profileSvg([row], "T");
    expect(svg).toContain("a&#60;b&#62;&#38;&#34;c&#34;");
    expect(svg).toContain('fill="#d95f02"');
  });
});
