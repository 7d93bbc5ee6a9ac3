/** What a data set's samples are made of. */
import type { TensorData } from "../tensor-data.ts";

/** An image as eight-bit numbers: shape [height, width, channels], channels 1 (grey) or 3 (red, green, blue). */
export type ImageData8 = Extract<TensorData, { dtype: "uint8" }>;
/** An image or another array as numbers that a model takes; images have the shape [height, width, channels]. */
export type FloatData = Extract<TensorData, { dtype: "float32" }>;

/** What classification data sets give: an image or array, and the number of its class. */
export type LabelledSample<D extends TensorData = TensorData> = readonly [data: D, label: number];
