/** Maps that say, for each pixel, how much it had to do with a class; and their figure. */
import { type ImageGridOptions, type ImageTitle, imageGrid } from "../display/image-grid.ts";
import { type PixelScaling, prepareImages } from "../display/images.ts";
import {
  displaySymbol,
  type ImageGrid,
  type MimeBundle,
  type MimeMetadata,
  metadataSymbol,
  type Showable,
} from "../display/index.ts";
import { heatColors, heatPixels, overlay } from "./color.ts";
import { InterpretError } from "./errors.ts";

export interface AttributionFigureOptions extends PixelScaling, Pick<ImageGridOptions, "scale" | "title" | "alt"> {
  /** Class names. */
  readonly classes?: readonly string[];
  /** Draw the map over the picture (default) or alone. */
  readonly overlay?: boolean;
}

/** One map an image, of the images' size. */
export class Attribution implements Showable {
  /** The method's name, as it heads the figure. */
  readonly method: string;
  /** The maps, row by row. */
  readonly maps: readonly Float32Array[];
  readonly height: number;
  readonly width: number;
  /** The class that each map is about. */
  readonly targets: readonly number[];
  readonly #images: { readonly shape: readonly number[]; readonly data: Float32Array };

  constructor(
    method: string,
    maps: readonly Float32Array[],
    targets: readonly number[],
    images: { readonly shape: readonly number[]; readonly data: Float32Array },
  ) {
    this.method = method;
    this.maps = maps;
    this.targets = targets;
    this.#images = images;
    [, this.height = 0, this.width = 0] = images.shape;
  }

  /** Pictures above, their maps below. `mean` and `std` undo the normalisation of the images that went in. */
  toFigure({
    classes,
    overlay: over = true,
    mean,
    std,
    normalize,
    ...options
  }: AttributionFigureOptions = {}): ImageGrid {
    if (classes && this.targets.some((target) => target >= classes.length)) {
      throw new InterpretError(
        `there are ${classes.length} class names; expected one for class ${Math.max(...this.targets)}`,
      );
    }
    const scaling: PixelScaling = {
      ...(mean === undefined ? {} : { mean }),
      ...(std === undefined ? {} : { std }),
      // Without the normalisation's numbers, each picture is stretched: better odd colours than a picture cut off.
      ...((normalize ?? mean === undefined) ? { normalize: true } : {}),
    };
    const { images } = prepareImages(this.#images, scaling);
    const maps = this.maps.map((map, i) => {
      const image = over ? images[i] : undefined;
      return image === undefined ? heatPixels(map, this.height, this.width) : overlay(map, image);
    });
    const names = this.targets.map((target) => classes?.[target] ?? `class ${target}`);
    const titles: ImageTitle[] = [...names.map((name) => `${name}?`), ...names.map(() => this.method)];
    return imageGrid([...images, ...maps], {
      columns: this.maps.length,
      colorScale: { colors: heatColors, low: "least", high: "most", label: `${this.method}, in each picture` },
      titles,
      alt: `${this.method}, pictures above and maps below. Strongest for ${this.maps.map((map, i) => `${names[i]}: ${this.#peak(map)}`).join(", ")}`,
      ...options,
    });
  }

  /** Where a map is highest, in words. */
  #peak(map: Float32Array): string {
    const highest = map.reduce((best, value, i) => (value > (map[best] ?? 0) ? i : best), 0);
    const third = (at: number, length: number): number => Math.min(2, Math.floor((3 * at) / length));
    const row = third(Math.floor(highest / this.width), this.height);
    const column = third(highest % this.width, this.width);
    return `${["top", "middle", "bottom"][row]} ${["left", "centre", "right"][column]}`;
  }

  [displaySymbol](): MimeBundle {
    return this.toFigure()[displaySymbol]();
  }

  [metadataSymbol](): MimeMetadata {
    return this.toFigure()[metadataSymbol]();
  }
}
