/** Messages of an event file, from values; the counterpart of events.ts, with the same field numbers. */
import type { HistogramValue, HparamValue } from "./events.ts";
import type { GraphNode } from "./graph.ts";
import { MessageWriter } from "./protobuf.ts";

/** A Summary.Value: everything but its tag. */
export type EncodeContent = (value: MessageWriter) => void;

export function encodeVersion(wallTime: number): Uint8Array {
  return new MessageWriter().double(1, wallTime).string(3, "brain.Event:2").finish();
}

export function encodeSummary(
  wallTime: number,
  step: number,
  values: readonly { readonly tag: string; readonly content: EncodeContent }[],
): Uint8Array {
  const event = new MessageWriter().double(1, wallTime);
  if (step !== 0) {
    event.varint(2, step);
  }
  return event
    .message(5, (summary) => {
      for (const { tag, content } of values) {
        summary.message(1, (value) => {
          value.string(1, tag);
          content(value);
        });
      }
    })
    .finish();
}

export const scalarContent =
  (value: number): EncodeContent =>
  (out) =>
    out.float(2, value);

export const histogramContent =
  ({ min, max, num, sum, sumSquares, bucketLimits, buckets }: HistogramValue): EncodeContent =>
  (out) =>
    out.message(5, (histogram) => {
      [min, max, num, sum, sumSquares].forEach((value, index) => {
        histogram.double(index + 1, value);
      });
      histogram.packedDoubles(6, bucketLimits).packedDoubles(7, buckets);
    });

export const imageContent =
  (height: number, width: number, channels: number, encoded: Uint8Array): EncodeContent =>
  (out) =>
    out.message(4, (image) => image.varint(1, height).varint(2, width).varint(3, channels).bytes(4, encoded));

/** Text is a tensor of strings (DT_STRING = 7) that the text plugin shows as Markdown. */
export const textContent =
  (text: string): EncodeContent =>
  (out) => {
    out.message(8, (tensor) => {
      tensor
        .varint(1, 7)
        .message(2, (shape) => shape.message(2, (dimension) => dimension.varint(1, 1)))
        .string(8, text);
    });
    out.message(9, (metadata) => metadata.message(1, (plugin) => plugin.string(1, "text")));
  };

const hparamsContent =
  (build: (data: MessageWriter) => void): EncodeContent =>
  (out) =>
    out.message(9, (metadata) => {
      metadata.message(1, (plugin) => {
        plugin.string(1, "hparams").message(2, (content) => build(content));
      });
    });

/** DataType of a HParamInfo: 1 string, 2 bool, 3 number. */
const hparamTypes: { readonly [type: string]: number } = { string: 1, boolean: 2, number: 3 };

export function experimentContent(
  hparams: ReadonlyMap<string, HparamValue>,
  metrics: readonly string[],
): EncodeContent {
  return hparamsContent((data) =>
    data.message(2, (experiment) => {
      for (const [name, value] of hparams) {
        experiment.message(4, (info) => {
          info.string(1, name);
          const type = hparamTypes[typeof value];
          if (type !== undefined) {
            info.varint(4, type);
          }
        });
      }
      for (const tag of metrics) {
        experiment.message(5, (info) => info.message(1, (name) => name.string(2, tag)));
      }
    }),
  );
}

export function sessionStartContent(hparams: ReadonlyMap<string, HparamValue>, startTime: number): EncodeContent {
  return hparamsContent((data) =>
    data.message(3, (start) => {
      for (const [name, value] of hparams) {
        start.message(1, (entry) => {
          entry.string(1, name).message(2, (out) => {
            if (typeof value === "number") {
              out.double(2, value);
            } else if (typeof value === "string") {
              out.string(3, value);
            } else if (typeof value === "boolean") {
              out.varint(4, value ? 1 : 0);
            } else {
              out.varint(1, 0);
            }
          });
        });
      }
      start.double(5, startTime);
    }),
  );
}

/** Status 1 is success, 2 failure. */
export function sessionEndContent(endTime: number, success: boolean): EncodeContent {
  return hparamsContent((data) => data.message(4, (end) => end.varint(1, success ? 1 : 2).double(2, endTime)));
}

/** An Event that carries a GraphDef. */
export function encodeGraph(wallTime: number, nodes: readonly GraphNode[]): Uint8Array {
  const graph = new MessageWriter();
  for (const { name, op, inputs, attributes, outputShapes } of nodes) {
    graph.message(1, (node) => {
      node.string(1, name).string(2, op);
      for (const input of inputs) {
        node.string(3, input);
      }
      for (const [key, value] of attributes) {
        node.message(5, (entry) => {
          entry.string(1, key).message(2, (attribute) => {
            if (typeof value === "string") {
              attribute.string(2, value);
            } else {
              attribute.varint(3, value);
            }
          });
        });
      }
      if (outputShapes !== undefined) {
        node.message(5, (entry) => {
          entry.string(1, "_output_shapes").message(2, (attribute) => {
            attribute.message(1, (list) => {
              for (const shape of outputShapes) {
                list.message(7, (message) => {
                  for (const size of shape) {
                    message.message(2, (dimension) => dimension.varint(1, size));
                  }
                });
              }
            });
          });
        });
      }
    });
  }
  graph.message(4, (versions) => versions.varint(1, 22));
  return new MessageWriter().double(1, wallTime).bytes(4, graph.finish()).finish();
}
