/** The calls that the part `operations` of the benchmark measures. */
import * as tf from "@tensorflow/tfjs";

export interface OperationCase {
  readonly name: string;
  /** Tensors on the backend in use, and the call on them. */
  make(): { readonly tensors: tf.TensorContainer; readonly run: () => tf.TensorContainer };
}

type Make = (...shapes: tf.Tensor[]) => tf.TensorContainer;

function on(name: string, shapes: readonly number[][], f: Make): OperationCase {
  return {
    name,
    make() {
      const tensors = shapes.map((shape, i) => tf.randomUniform(shape, -1, 1, "float32", i + 1));
      return { tensors, run: () => f(...tensors) };
    },
  };
}

/** Values and all gradients of a call. */
const gradients =
  (f: (...tensors: tf.Tensor[]) => tf.Tensor): Make =>
  (...tensors) =>
    tf.grads(f)(tensors);

/** A recurrent layer over `shape`, [batch, steps, features]. */
function layer(name: string, make: () => tf.layers.Layer, shape: readonly [number, number, number]): OperationCase {
  return {
    name,
    make() {
      const x = tf.randomUniform([...shape], -1, 1, "float32", 1);
      const input = tf.input({ shape: shape.slice(1) });
      const model = tf.model({ inputs: input, outputs: make().apply(input) as tf.SymbolicTensor });
      return { tensors: [x, ...model.weights.map((weight) => weight.read())], run: () => model.predict(x) };
    },
  };
}

const ids = (count: number, segments: number) =>
  tf.tensor1d(
    Int32Array.from({ length: count }, (_, i) => (i * 7919) % segments),
    "int32",
  );

const fft = (length: number, rows: number) =>
  on(
    `fft ${rows} x ${length}`,
    [
      [rows, length],
      [rows, length],
    ],
    (re, im) => {
      const y = tf.fft(tf.complex(re as tf.Tensor2D, im as tf.Tensor2D));
      return [tf.real(y), tf.imag(y)];
    },
  );

const image = (size: number, channels: number) => [1, size, size, channels];

export const operationCases: readonly OperationCase[] = [
  on(
    "einsum bij,bjk->bik 8x128x128",
    [
      [8, 128, 128],
      [8, 128, 128],
    ],
    (a, b) => tf.einsum("bij,bjk->bik", a, b),
  ),
  on(
    "einsum bhid,bhjd->bhij 4x8x128x64",
    [
      [4, 8, 128, 64],
      [4, 8, 128, 64],
    ],
    (a, b) => tf.einsum("bhid,bhjd->bhij", a, b),
  ),
  on(
    "einsum abc,cd->abd 8x128x64, 64x128",
    [
      [8, 128, 64],
      [64, 128],
    ],
    (a, b) => tf.einsum("abc,cd->abd", a, b),
  ),
  on("einsum ij->ji 512x512", [[512, 512]], (a) => tf.einsum("ij->ji", a)),
  on("spaceToBatchND 1x128x128x32, 2x2", [image(128, 32)], (x) =>
    tf.spaceToBatchND(
      x,
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ),
  on("spaceToBatchND 1x127x127x32, 2x2, padded", [image(127, 32)], (x) =>
    tf.spaceToBatchND(
      x,
      [2, 2],
      [
        [1, 0],
        [0, 1],
      ],
    ),
  ),
  on("batchToSpaceND 4x64x64x32, 2x2", [[4, 64, 64, 32]], (x) =>
    tf.batchToSpaceND(
      x,
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  ),
  fft(1024, 64),
  fft(1000, 64),
  fft(1021, 64),
  on(
    "ifft 64 x 1024",
    [
      [64, 1024],
      [64, 1024],
    ],
    (re, im) => {
      const y = tf.ifft(tf.complex(re as tf.Tensor2D, im as tf.Tensor2D));
      return [tf.real(y), tf.imag(y)];
    },
  ),
  on("rfft 64 x 1024", [[64, 1024]], (x) => {
    const y = tf.spectral.rfft(x);
    return [tf.real(y), tf.imag(y)];
  }),
  on("stft 16384, 512 by 128", [[16384]], (x) => {
    const y = tf.signal.stft(x as tf.Tensor1D, 512, 128);
    return [tf.real(y), tf.imag(y)];
  }),
  ...[1, 3, 4, 32].map((channels) =>
    on(`resizeBilinear 256 to 512, ${channels} channels`, [image(256, channels)], (x) =>
      tf.image.resizeBilinear(x as tf.Tensor4D, [512, 512]),
    ),
  ),
  on("resizeBilinear 512 to 224, 3 channels", [image(512, 3)], (x) =>
    tf.image.resizeBilinear(x as tf.Tensor4D, [224, 224]),
  ),
  ...[3, 32].map((channels) =>
    on(`resizeNearestNeighbor 256 to 512, ${channels} channels`, [image(256, channels)], (x) =>
      tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [512, 512]),
    ),
  ),
  on(
    "gradient of resizeBilinear 128 to 256, 3 channels",
    [image(128, 3)],
    gradients((x) => tf.image.resizeBilinear(x as tf.Tensor4D, [256, 256])),
  ),
  on("cumsum 256x4096, last axis", [[256, 4096]], (x) => tf.cumsum(x, 1)),
  on("cumsum 4096x256, first axis", [[4096, 256]], (x) => tf.cumsum(x, 0)),
  on("cumprod 256x4096, last axis", [[256, 4096]], (x) => tf.cumprod(x, 1)),
  on(
    "gradient of cumsum 256x4096",
    [[256, 4096]],
    gradients((x) => tf.cumsum(x, 1)),
  ),
  on("unsortedSegmentSum 16384x64, 128 segments", [[16384, 64]], (x) => tf.unsortedSegmentSum(x, ids(16384, 128), 128)),
  on("unsortedSegmentSum 65536, 1024 segments", [[65536]], (x) => tf.unsortedSegmentSum(x, ids(65536, 1024), 1024)),
  on("bincount 65536, 256 bins", [[65536]], (x) =>
    tf.bincount(tf.cast(tf.mul(tf.abs(x), 255), "int32") as tf.Tensor1D, tf.tensor1d([]), 256),
  ),
  on("basicLSTMCell batch 32, 128 to 128", [[32, 128], [32, 128], [32, 128], [256, 512], [512]], (x, c, h, w, b) =>
    tf.basicLSTMCell(
      tf.scalar(1),
      w as tf.Tensor2D,
      b as tf.Tensor1D,
      x as tf.Tensor2D,
      c as tf.Tensor2D,
      h as tf.Tensor2D,
    ),
  ),
  layer(
    "layers.lstm 32x32x64, 64 units",
    () => tf.layers.lstm({ units: 64, recurrentInitializer: "glorotUniform" }),
    [32, 32, 64],
  ),
  layer(
    "layers.gru 32x32x64, 64 units",
    () => tf.layers.gru({ units: 64, recurrentInitializer: "glorotUniform" }),
    [32, 32, 64],
  ),
  on("cropAndResize 16 boxes of 256x256x3 to 64x64", [image(256, 3)], (x) =>
    tf.image.cropAndResize(
      x as tf.Tensor4D,
      tf.tensor2d(Array.from({ length: 16 }, (_, i) => [i / 40, 0.1, 0.5 + i / 40, 0.9])),
      tf.zeros([16], "int32"),
      [64, 64],
    ),
  ),
  on("nonMaxSuppression of 2000 boxes", [[2000, 2], [2000, 2], [2000]], (a, b, scores) =>
    tf.image.nonMaxSuppression(
      tf.concat2d([a as tf.Tensor2D, tf.add(a, tf.abs(tf.mul(b, 0.2))) as tf.Tensor2D], 1),
      scores as tf.Tensor1D,
      100,
      0.5,
    ),
  ),
  on(
    "conv3d 1x16x32x32x8, 3x3x3 to 16",
    [
      [1, 16, 32, 32, 8],
      [3, 3, 3, 8, 16],
    ],
    (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, "same"),
  ),
  on("maxPool3d 1x16x32x32x16, 2x2x2", [[1, 16, 32, 32, 16]], (x) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, "valid")),
  on("localResponseNormalization 1x64x64x64", [image(64, 64)], (x) =>
    tf.localResponseNormalization(x as tf.Tensor4D, 5),
  ),
  on("dilation2d 1x64x64x16, 3x3", [image(64, 16), [3, 3, 16]], (x, w) =>
    tf.dilation2d(x as tf.Tensor4D, w as tf.Tensor3D, 1, "same"),
  ),
];
