/** What each layer makes of a picture. */
import * as tf from "@tensorflow/tfjs-core";
import { describeValue } from "../arguments/describe.ts";
import { type ImageGrid, imageGrid } from "../display/image-grid.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "../display/mime.ts";
import { heatPixels } from "./color.ts";
import { InterpretError } from "./errors.ts";
import { activationOf } from "./grad-cam.ts";
import { asBatch, checkModel, evaluating, type ImageModel, type LayerRef, resolveLayer } from "./model.ts";

export interface LayerMaps {
  readonly layer: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** [H, W, C], row by row, channels interleaved. */
  readonly data: Float32Array;
}

/** The feature maps of one picture at some layers. */
export class FeatureMaps implements Showable {
  readonly layers: readonly LayerMaps[];

  constructor(layers: readonly LayerMaps[]) {
    this.layers = layers;
  }

  /** A row a layer: its first channels, each from its own lowest (dark) to its own highest value (light). */
  toFigure({
    channels = 8,
    size = 72,
    title,
  }: {
    readonly channels?: number;
    readonly size?: number;
    readonly title?: string;
  } = {}): ImageGrid {
    const shown = Math.min(channels, ...this.layers.map((layer) => layer.channels));
    const pictures = this.layers.flatMap((layer) =>
      Array.from({ length: shown }, (_, c) => {
        const plane = Float32Array.from(
          { length: layer.height * layer.width },
          (_, i) => layer.data[i * layer.channels + c] ?? 0,
        );
        return enlargeTo(heatPixels(plane, layer.height, layer.width), size);
      }),
    );
    const titles = this.layers.flatMap(({ layer, height, width }) =>
      Array.from({ length: shown }, (_, c) => (c === 0 ? `${layer} ${height}×${width}` : `channel ${c}`)),
    );
    const alt = `Feature maps, ${shown} channels each, at ${this.layers.map(({ layer, height, width, channels: all }) => `${layer} (${height} by ${width}, ${all} channels)`).join(", ")}`;
    return imageGrid(pictures, { columns: shown, scale: 1, titles, alt, ...(title === undefined ? {} : { title }) });
  }

  [displaySymbol](): MimeBundle {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}

/** Maps of every size are drawn equally large, pixels kept crisp. */
function enlargeTo(pixels: ReturnType<typeof heatPixels>, size: number): ReturnType<typeof heatPixels> {
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = Math.floor((y * pixels.height) / size) * pixels.width + Math.floor((x * pixels.width) / size);
      data.set(pixels.data.subarray(3 * from, 3 * from + 3), 3 * (y * size + x));
    }
  }
  return { width: size, height: size, channels: 3, data };
}

/**
 * The feature maps of one picture.
 *
 * @param model a network of any kind on images; it is run in evaluation mode and left as it was
 * @param image [H, W, C] or [1, H, W, C], normalised as in training; not disposed
 * @param layers which layers, by name or module
 * @throws InterpretError where a layer is not there or gives no feature maps, or there are several images
 */
export async function featureMaps(
  model: ImageModel,
  image: tf.Tensor,
  layers: readonly LayerRef[],
): Promise<FeatureMaps> {
  checkModel("featureMaps", model);
  if (!Array.isArray(layers)) {
    throw new InterpretError(`featureMaps: layers is ${describeValue(layers)}; expected a list of names or modules`);
  }
  const resolved = (layers as readonly LayerRef[]).map((layer) => resolveLayer(model, layer));
  if (resolved.length === 0) {
    throw new InterpretError("featureMaps: layers is empty; expected at least one");
  }
  return evaluating(model, async () => {
    const batch = asBatch(image);
    try {
      if (batch.shape[0] !== 1) {
        throw new InterpretError(`featureMaps: ${batch.shape[0]} images; expected one`);
      }
      const out: LayerMaps[] = [];
      for (const { name, module } of resolved) {
        const maps = tf.tidy(() => activationOf(model, module, name, batch));
        const [, height = 0, width = 0, channels = 0] = maps.shape;
        const data = Float32Array.from(await maps.data());
        maps.dispose();
        if (maps.rank !== 4) {
          throw new InterpretError(
            `the layer "${name}" gives [${maps.shape.join(", ")}]; expected feature maps [N, H, W, C]`,
          );
        }
        out.push({ layer: name, height, width, channels, data });
      }
      return new FeatureMaps(out);
    } finally {
      batch.dispose();
    }
  });
}
