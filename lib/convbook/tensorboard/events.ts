/**
 * What is in an event file: TensorFlow's Event, Summary, HistogramProto and TensorProto and TensorBoard's HParamsPluginData messages, the parts of them that
 * TensorBoard's readers use. Field numbers are those of the public .proto files (tensorflow/core/util/event.proto,
 * tensorflow/core/framework/{summary,tensor,tensor_shape}.proto, tensorboard/plugins/hparams/plugin_data.proto).
 */
import {
  asBoolean,
  asBytes,
  asDouble,
  asFloat,
  asInteger,
  asString,
  fields,
  pushNumbers,
  view,
  WireError,
} from "./protobuf.ts";

/** One record of an event file. */
export interface TensorBoardEvent {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** "brain.Event:2" in a file's first record. */
  readonly fileVersion?: string;
  readonly values: readonly SummaryValue[];
  /** Size of a graph in the record, in bytes; graphs are not read. */
  readonly graphBytes?: number;
}

export interface HistogramValue {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Upper ends of the buckets, ascending. */
  readonly bucketLimits: readonly number[];
  readonly buckets: readonly number[];
}

export interface ImageValue {
  readonly height: number;
  readonly width: number;
  /** Number of channels. */
  readonly colorspace: number;
  /** The picture's file, usually PNG. */
  readonly encoded: Uint8Array;
}

export type HparamValue = number | string | boolean | null;

/** A record of the hyper-parameter plugin. */
export type HparamsValue =
  | {
      readonly part: "experiment";
      readonly hparams: readonly string[];
      readonly metrics: readonly string[];
    }
  | { readonly part: "start"; readonly hparams: ReadonlyMap<string, HparamValue>; readonly startTime: number }
  | { readonly part: "end"; readonly status: number; readonly endTime: number };

/** A tensor; strings for DT_STRING, numbers for the rest. Types that are not read leave `data` empty. */
export interface TensorValue {
  /** TensorFlow's DataType number: 1 float, 2 double, 3 int32, 7 string, 9 int64, 10 bool. */
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly data: readonly number[] | readonly string[];
}

export type SummaryContent =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "histogram"; readonly histogram: HistogramValue }
  | { readonly kind: "image"; readonly image: ImageValue }
  | { readonly kind: "tensor"; readonly tensor: TensorValue }
  | { readonly kind: "hparams"; readonly hparams: HparamsValue }
  | { readonly kind: "other" };

export type SummaryValue = SummaryContent & {
  readonly tag: string;
  readonly pluginName: string;
  readonly displayName: string;
  readonly description: string;
};

/** Decodes the message of one record. Throws {@link WireError} where it is none. */
export function decodeEvent(message: Uint8Array): TensorBoardEvent {
  let wallTime = 0;
  let step = 0;
  let fileVersion: string | undefined;
  let graphBytes: number | undefined;
  const values: SummaryValue[] = [];
  for (const field of fields(message)) {
    if (field.number === 1) {
      wallTime = asDouble(field);
    } else if (field.number === 2) {
      step = asInteger(field);
    } else if (field.number === 3) {
      fileVersion = asString(field);
    } else if (field.number === 4) {
      graphBytes = asBytes(field).length;
    } else if (field.number === 5) {
      for (const inner of fields(asBytes(field))) {
        if (inner.number === 1) {
          values.push(decodeValue(asBytes(inner)));
        }
      }
    }
  }
  return {
    wallTime,
    step,
    values,
    ...(fileVersion === undefined ? {} : { fileVersion }),
    ...(graphBytes === undefined ? {} : { graphBytes }),
  };
}

function decodeValue(message: Uint8Array): SummaryValue {
  let tag = "";
  let metadata = { pluginName: "", pluginContent: new Uint8Array(0), displayName: "", description: "" };
  let content: SummaryContent = { kind: "other" };
  for (const field of fields(message)) {
    if (field.number === 1) {
      tag = asString(field);
    } else if (field.number === 2) {
      content = { kind: "scalar", value: asFloat(field) };
    } else if (field.number === 4) {
      content = { kind: "image", image: decodeImage(asBytes(field)) };
    } else if (field.number === 5) {
      content = { kind: "histogram", histogram: decodeHistogram(asBytes(field)) };
    } else if (field.number === 8) {
      content = { kind: "tensor", tensor: decodeTensor(asBytes(field)) };
    } else if (field.number === 9) {
      metadata = decodeMetadata(asBytes(field));
    }
  }
  const { pluginName, displayName, description } = metadata;
  if (pluginName === "hparams") {
    content = { kind: "hparams", hparams: decodeHparams(metadata.pluginContent) };
  }
  // TensorFlow 2 writes a scalar as a tensor of one number.
  if (content.kind === "tensor" && pluginName === "scalars") {
    const value = content.tensor.data[0];
    if (content.tensor.data.length === 1 && typeof value === "number") {
      content = { kind: "scalar", value };
    }
  }
  return { tag, pluginName, displayName, description, ...content };
}

function decodeMetadata(message: Uint8Array): {
  pluginName: string;
  pluginContent: Uint8Array<ArrayBuffer>;
  displayName: string;
  description: string;
} {
  const out = { pluginName: "", pluginContent: new Uint8Array(0), displayName: "", description: "" };
  for (const field of fields(message)) {
    if (field.number === 1) {
      for (const inner of fields(asBytes(field))) {
        if (inner.number === 1) {
          out.pluginName = asString(inner);
        } else if (inner.number === 2) {
          out.pluginContent = new Uint8Array(asBytes(inner));
        }
      }
    } else if (field.number === 2) {
      out.displayName = asString(field);
    } else if (field.number === 3) {
      out.description = asString(field);
    }
  }
  return out;
}

function decodeImage(message: Uint8Array): ImageValue {
  const out = { height: 0, width: 0, colorspace: 0, encoded: new Uint8Array(0) };
  for (const field of fields(message)) {
    if (field.number === 1) {
      out.height = asInteger(field);
    } else if (field.number === 2) {
      out.width = asInteger(field);
    } else if (field.number === 3) {
      out.colorspace = asInteger(field);
    } else if (field.number === 4) {
      out.encoded = new Uint8Array(asBytes(field));
    }
  }
  return out;
}

function decodeHistogram(message: Uint8Array): HistogramValue {
  const scalars: [number, number, number, number, number] = [0, 0, 0, 0, 0];
  const bucketLimits: number[] = [];
  const buckets: number[] = [];
  for (const field of fields(message)) {
    if (field.number >= 1 && field.number <= 5) {
      scalars[field.number - 1] = asDouble(field);
    } else if (field.number === 6) {
      pushNumbers(field, "double", bucketLimits);
    } else if (field.number === 7) {
      pushNumbers(field, "double", buckets);
    }
  }
  if (buckets.length !== bucketLimits.length) {
    throw new WireError(`a histogram has ${bucketLimits.length} limits and ${buckets.length} buckets`, 0);
  }
  const [min, max, num, sum, sumSquares] = scalars;
  return { min, max, num, sum, sumSquares, bucketLimits, buckets };
}

/** How the bytes of `tensor_content` are read, by DataType. */
const contentReaders: { readonly [dtype: number]: [size: number, read: (numbers: DataView, at: number) => number] } = {
  1: [4, (numbers, at) => numbers.getFloat32(at, true)],
  2: [8, (numbers, at) => numbers.getFloat64(at, true)],
  3: [4, (numbers, at) => numbers.getInt32(at, true)],
  4: [1, (numbers, at) => numbers.getUint8(at)],
  5: [2, (numbers, at) => numbers.getInt16(at, true)],
  6: [1, (numbers, at) => numbers.getInt8(at)],
  9: [8, (numbers, at) => Number(numbers.getBigInt64(at, true))],
  10: [1, (numbers, at) => numbers.getUint8(at)],
};

function decodeTensor(message: Uint8Array): TensorValue {
  let dtype = 0;
  const shape: number[] = [];
  const numbers: number[] = [];
  const strings: string[] = [];
  let content: Uint8Array | undefined;
  for (const field of fields(message)) {
    if (field.number === 1) {
      dtype = asInteger(field);
    } else if (field.number === 2) {
      decodeShape(asBytes(field), shape);
    } else if (field.number === 4) {
      content = asBytes(field);
    } else if (field.number === 5) {
      pushNumbers(field, "float", numbers);
    } else if (field.number === 6) {
      pushNumbers(field, "double", numbers);
    } else if ([7, 10, 11].includes(field.number)) {
      pushNumbers(field, "integer", numbers);
    } else if (field.number === 8) {
      strings.push(asString(field));
    }
  }
  const reader = contentReaders[dtype];
  if (content && content.length > 0 && reader) {
    const [size, read] = reader;
    if (content.length % size !== 0) {
      throw new WireError(`a tensor has ${content.length} bytes; expected a multiple of ${size}`, 0);
    }
    const bytes = view(content);
    for (let at = 0; at < content.length; at += size) {
      numbers.push(read(bytes, at));
    }
  }
  return { dtype, shape, data: dtype === 7 ? strings : numbers };
}

function decodeShape(message: Uint8Array, shape: number[]): void {
  for (const field of fields(message)) {
    if (field.number !== 2) {
      continue;
    }
    let size = 0;
    for (const inner of fields(asBytes(field))) {
      if (inner.number === 1) {
        size = asInteger(inner);
      }
    }
    shape.push(size);
  }
}

function decodeHparams(message: Uint8Array): HparamsValue {
  for (const field of fields(message)) {
    if (field.number === 2) {
      return decodeExperiment(asBytes(field));
    }
    if (field.number === 3) {
      return decodeStart(asBytes(field));
    }
    if (field.number === 4) {
      let status = 0;
      let endTime = 0;
      for (const inner of fields(asBytes(field))) {
        if (inner.number === 1) {
          status = asInteger(inner);
        } else if (inner.number === 2) {
          endTime = asDouble(inner);
        }
      }
      return { part: "end", status, endTime };
    }
  }
  return { part: "experiment", hparams: [], metrics: [] };
}

function decodeExperiment(message: Uint8Array): HparamsValue {
  const hparams: string[] = [];
  const metrics: string[] = [];
  for (const field of fields(message)) {
    if (field.number === 4) {
      for (const inner of fields(asBytes(field))) {
        if (inner.number === 1) {
          hparams.push(asString(inner));
        }
      }
    } else if (field.number === 5) {
      for (const inner of fields(asBytes(field))) {
        if (inner.number !== 1) {
          continue;
        }
        for (const name of fields(asBytes(inner))) {
          if (name.number === 2) {
            metrics.push(asString(name));
          }
        }
      }
    }
  }
  return { part: "experiment", hparams, metrics };
}

function decodeStart(message: Uint8Array): HparamsValue {
  const hparams = new Map<string, HparamValue>();
  let startTime = 0;
  for (const field of fields(message)) {
    if (field.number === 5) {
      startTime = asDouble(field);
    }
    if (field.number !== 1) {
      continue;
    }
    let key = "";
    let value: HparamValue = null;
    for (const inner of fields(asBytes(field))) {
      if (inner.number === 1) {
        key = asString(inner);
      } else if (inner.number === 2) {
        value = decodeStructValue(asBytes(inner));
      }
    }
    hparams.set(key, value);
  }
  return { part: "start", hparams, startTime };
}

/** google.protobuf.Value, of which the plugin uses numbers, strings and truth values. */
function decodeStructValue(message: Uint8Array): HparamValue {
  let value: HparamValue = null;
  for (const field of fields(message)) {
    if (field.number === 2) {
      value = asDouble(field);
    } else if (field.number === 3) {
      value = asString(field);
    } else if (field.number === 4) {
      value = asBoolean(field);
    }
  }
  return value;
}
