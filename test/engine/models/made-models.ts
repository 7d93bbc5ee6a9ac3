/** Models that tfjs makes on the spot: layers of every kind that its users have, and a graph as its converter writes them. */
import * as tf from "@tensorflow/tfjs";

const { layers } = tf;

/** Layers models by name; input first. */
export const layersModels: Readonly<Record<string, () => tf.LayersModel>> = {
  "LSTM, both ways": () =>
    tf.sequential({
      layers: [
        layers.bidirectional({
          layer: layers.lstm({ units: 7, returnSequences: true }) as tf.RNN,
          mergeMode: "concat",
          inputShape: [9, 5],
        }),
        layers.lstm({ units: 6, recurrentActivation: "hardSigmoid" }),
        layers.dense({ units: 3, activation: "softmax" }),
      ],
    }),
  "GRU and a simple cell": () =>
    tf.sequential({
      layers: [
        layers.gru({ units: 8, returnSequences: true, inputShape: [7, 4] }),
        layers.simpleRNN({ units: 5, returnSequences: true, goBackwards: true }),
        layers.timeDistributed({ layer: layers.dense({ units: 2, activation: "tanh" }) }),
      ],
    }),
  "embedding and convolution of a sequence": () =>
    tf.sequential({
      layers: [
        layers.inputLayer({ inputShape: [16], dtype: "int32" }),
        layers.embedding({ inputDim: 256, outputDim: 12 }),
        layers.conv1d({ filters: 10, kernelSize: 3, padding: "same", activation: "relu" }),
        layers.maxPooling1d({ poolSize: 2 }),
        layers.averagePooling1d({ poolSize: 3, strides: 2 }),
        layers.globalMaxPooling1d(),
        layers.dense({ units: 4, activation: "selu" }),
      ],
    }),
  volumes: () =>
    tf.sequential({
      layers: [
        layers.conv3d({ filters: 6, kernelSize: 3, padding: "same", activation: "relu", inputShape: [6, 8, 9, 2] }),
        layers.maxPooling3d({ poolSize: 2 }),
        layers.conv3d({ filters: 5, kernelSize: [1, 2, 3], strides: [1, 2, 1] }),
        layers.conv3dTranspose({ filters: 3, kernelSize: 2, strides: 2 } as never),
        layers.averagePooling3d({ poolSize: [2, 1, 2] }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
    }),
  "depthwise and separable convolutions": () =>
    tf.sequential({
      layers: [
        layers.separableConv2d({ filters: 12, kernelSize: 3, strides: 2, padding: "same", inputShape: [17, 16, 3] }),
        layers.batchNormalization({}),
        layers.reLU({ maxValue: 6 }),
        layers.depthwiseConv2d({ kernelSize: 5, padding: "same", depthMultiplier: 2 }),
        layers.leakyReLU({ alpha: 0.2 }),
        layers.zeroPadding2d({
          padding: [
            [1, 0],
            [2, 1],
          ],
        }),
        layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
        layers.upSampling2d({ size: [2, 2], interpolation: "bilinear" }),
        layers.cropping2D({
          cropping: [
            [1, 2],
            [0, 3],
          ],
        }),
        layers.globalAveragePooling2d({}),
        layers.dense({ units: 5, activation: "softplus" }),
      ],
    }),
  "convolutions of a recurrent cell": () =>
    tf.sequential({
      layers: [
        layers.convLstm2d({
          filters: 4,
          kernelSize: 3,
          padding: "same",
          returnSequences: true,
          inputShape: [4, 6, 5, 3],
        } as never),
        layers.convLstm2d({ filters: 2, kernelSize: [3, 1], padding: "valid" } as never),
        layers.flatten(),
        layers.dense({ units: 2 }),
      ],
    }),
  branches: () => {
    const x = tf.input({ shape: [12, 10, 4] });
    const apply = (layer: tf.layers.Layer, of: tf.SymbolicTensor | tf.SymbolicTensor[]) =>
      layer.apply(of) as tf.SymbolicTensor;
    const wide = apply(layers.conv2d({ filters: 8, kernelSize: 3, padding: "same", activation: "elu" }), x);
    const narrow = apply(layers.conv2d({ filters: 8, kernelSize: 1, activation: "sigmoid" }), x);
    const sum = apply(layers.add(), [wide, narrow]);
    const product = apply(layers.multiply(), [wide, narrow]);
    const most = apply(layers.maximum(), [sum, product]);
    const all = apply(layers.concatenate(), [most, apply(layers.average(), [sum, narrow]), x]);
    const normal = apply(layers.layerNormalization({}), all);
    const rows = apply(layers.reshape({ targetShape: [120, 20] }), normal);
    const turned = apply(layers.permute({ dims: [2, 1] }), rows);
    const alike = apply(layers.dot({ axes: [2, 1] }), [turned, rows]);
    const attended = apply(layers.softmax({ axis: -1 }), alike);
    const outputs = apply(layers.prelu({}), apply(layers.dense({ units: 6 }), attended));
    const repeated = apply(layers.repeatVector({ n: 3 }), apply(layers.flatten(), most));
    const flat = [outputs, repeated].map((each) => apply(layers.flatten(), each));
    return tf.model({ inputs: x, outputs: apply(layers.concatenate(), flat) });
  },
};

type Attr = Readonly<Record<string, unknown>>;

/** A node of a graph as tfjs's converter writes it. */
function node(name: string, op: string, input: readonly string[] = [], attr: Attr = {}): object {
  return { name, op, input, attr };
}

const type = { float: { type: "DT_FLOAT" }, int: { type: "DT_INT32" } } as const;

/** A detector's end: boxes, scores and an image, of which the best boxes are cut out, with whatever of bookkeeping is around such. */
export function detectorGraph(): tf.io.ModelArtifacts {
  const constants: Readonly<
    Record<string, { readonly shape: number[]; readonly dtype: "float32" | "int32"; readonly values: number[] }>
  > = {
    most: { shape: [], dtype: "int32", values: [8] },
    overlap: { shape: [], dtype: "float32", values: [0.4] },
    least: { shape: [], dtype: "float32", values: [0.1] },
    soft: { shape: [], dtype: "float32", values: [0.5] },
    axis: { shape: [], dtype: "int32", values: [0] },
    size: { shape: [2], dtype: "int32", values: [5, 4] },
    zero: { shape: [], dtype: "int32", values: [0] },
    one: { shape: [], dtype: "int32", values: [1] },
    half: { shape: [], dtype: "float32", values: [0.5] },
    large: { shape: [2], dtype: "int32", values: [24, 20] },
    filter: { shape: [3, 3, 3], dtype: "float32", values: Array.from({ length: 27 }, (_, i) => (i % 5) / 10) },
    count: { shape: [1], dtype: "int32", values: [8] },
    none: { shape: [], dtype: "float32", values: [-1] },
  };
  const placeholder = (name: string, sizes: readonly number[]): object =>
    node(name, "Placeholder", [], {
      dtype: type.float,
      shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } },
    });
  const list = (...values: number[]) => ({ list: { i: values.map(String) } });
  const text = (value: string) => ({ s: Buffer.from(value).toString("base64") });
  const nodes = [
    placeholder("boxes", [40, 4]),
    placeholder("scores", [40]),
    placeholder("image", [1, 12, 10, 3]),
    ...Object.entries(constants).map(([name, { dtype }]) =>
      node(name, "Const", [], { dtype: dtype === "int32" ? type.int : type.float }),
    ),
    node("chosen", "NonMaxSuppressionV3", ["boxes", "scores", "most", "overlap", "least"], { T: type.float }),
    node("softly", "NonMaxSuppressionV5", ["boxes", "scores", "most", "overlap", "least", "soft"], { T: type.float }),
    node("best", "GatherV2", ["boxes", "chosen", "axis"], {
      Tparams: type.float,
      Tindices: type.int,
      batch_dims: { i: "0" },
    }),
    node("of", "ZerosLike", ["chosen"], { T: type.int }),
    node("crops", "CropAndResize", ["image", "best", "of", "size"], {
      T: type.float,
      method: text("bilinear"),
      extrapolation_value: { f: 0.25 },
    }),
    node("larger", "ResizeBilinear", ["image", "large"], {
      T: type.float,
      align_corners: { b: false },
      half_pixel_centers: { b: true },
    }),
    node("grown", "Dilation2D", ["larger", "filter"], {
      T: type.float,
      strides: list(1, 2, 2, 1),
      rates: list(1, 1, 1, 1),
      padding: text("SAME"),
    }),
    node("normal", "LRN", ["grown"], {
      T: type.float,
      depth_radius: { i: "1" },
      bias: { f: 1 },
      alpha: { f: 0.3 },
      beta: { f: 0.5 },
    }),
    node("high", "Greater", ["scores", "half"], { T: type.float }),
    node("places", "Where", ["high"], { T: { type: "DT_BOOL" } }),
    node("numbers", "Range", ["zero", "most", "one"], { Tidx: type.int }),
    node("spread", "SparseToDense", ["numbers", "count", "numbers", "zero"], { T: type.int, Tindices: type.int }),
    node("kinds", "UniqueV2", ["chosen", "zero"], { T: type.int }),
    node("found", "Cast", ["places"], { SrcT: type.int, DstT: type.float }),
  ];
  const weightSpecs = Object.entries(constants).map(([name, { shape, dtype }]) => ({ name, shape, dtype }));
  const parts = Object.values(constants).map(({ dtype, values }) =>
    Buffer.from((dtype === "int32" ? Int32Array.from(values) : Float32Array.from(values)).buffer),
  );
  const named = (name: string) => ({ name });
  return {
    format: "graph-model",
    generatedBy: "made by a test",
    convertedBy: null,
    modelTopology: { node: nodes, library: {}, versions: {} },
    signature: {
      inputs: Object.fromEntries(["boxes", "scores", "image"].map((name) => [name, named(`${name}:0`)])),
      outputs: Object.fromEntries(
        ["chosen", "softly", "softly:1", "crops", "normal", "found", "spread", "kinds", "kinds:1"].map((name) => [
          name,
          named(name),
        ]),
      ),
    } as never,
    weightSpecs,
    weightData: Uint8Array.from(Buffer.concat(parts)).buffer,
  };
}
