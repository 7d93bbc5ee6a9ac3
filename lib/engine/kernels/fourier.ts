/** Fourier transforms, and arithmetic of complex tensors, whose real and imaginary parts are tensors of their own. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { ArgumentError } from "../arguments.ts";
import { runBinary } from "./elementwise.ts";
import type { Attempt } from "./integers.ts";
import { fallBack, type KernelBody, type KernelCall, type KernelTable } from "./kernel.ts";

function transform(name: string, inverse: boolean): KernelBody {
  return (call) => {
    const { backend, inputs } = call;
    const input: TensorInfo = inputs.input;
    if (input.dtype !== "complex64") {
      return fallBack(name, call);
    }
    // Nothing has no spectrum, as in NumPy and PyTorch; rfft of length 0 ends here, too.
    const n = input.shape[input.shape.length - 1];
    if (n === undefined || n === 0) {
      throw new ArgumentError(name.toLowerCase(), "input", input, "a tensor whose last dimension is at least 1 long");
    }
    const { real, imag } = backend.parts(input);
    const [re, im] = [backend.output(input.shape), backend.output(input.shape)];
    const rows = re.values.length / n;
    backend.addon.fourier(backend.values(real), backend.values(imag), re.values, im.values, rows, n, inverse);
    return backend.complex(re, im);
  };
}

type Parts = { readonly real: TensorInfo; readonly imag: TensorInfo };

/** Frees what was made on the way. */
function combined(call: KernelCall, op: string, a: TensorInfo, b: TensorInfo): TensorInfo {
  const y = runBinary(call, op, a, b);
  call.backend.disposeData(a.dataId);
  call.backend.disposeData(b.dataId);
  return y;
}

const arithmetic: Readonly<Record<string, (call: KernelCall, a: Parts, b: Parts) => [TensorInfo, TensorInfo]>> = {
  Add: (call, a, b) => [runBinary(call, "Add", a.real, b.real), runBinary(call, "Add", a.imag, b.imag)],
  Sub: (call, a, b) => [runBinary(call, "Sub", a.real, b.real), runBinary(call, "Sub", a.imag, b.imag)],
  Multiply: (call, a, b) => {
    const times = (p: TensorInfo, q: TensorInfo) => runBinary(call, "Multiply", p, q);
    return [
      combined(call, "Sub", times(a.real, b.real), times(a.imag, b.imag)),
      combined(call, "Add", times(a.real, b.imag), times(a.imag, b.real)),
    ];
  },
};

/** Complex operands, by the names of kernels for floats. */
export const complexKernels: Readonly<Record<string, Attempt>> = Object.fromEntries(
  Object.entries(arithmetic).map(([name, work]): [string, Attempt] => [
    name,
    (call) => {
      const { backend, inputs } = call;
      const { a, b }: { a: TensorInfo; b: TensorInfo } = inputs;
      if (a.dtype !== "complex64" || b.dtype !== "complex64") {
        return undefined;
      }
      // Parts keep the shape of the tensor that they were first of; reshaped tensors share them.
      const parts = (x: TensorInfo): Parts => {
        const { real, imag } = backend.parts(x);
        return { real: { ...real, shape: x.shape }, imag: { ...imag, shape: x.shape } };
      };
      return backend.complex(...work(call, parts(a), parts(b)));
    },
  ]),
);

/** The root of the sum of squares, worked out so that it neither overflows nor loses small numbers. */
const complexAbs: KernelBody = (call) => {
  const { backend, inputs } = call;
  const x: TensorInfo = inputs.x;
  const { real, imag } = backend.parts(x);
  const y = backend.output(x.shape);
  backend.addon.hypot(backend.values(real), backend.values(imag), y.values, y.values.length);
  return y;
};

export const fourierKernels: KernelTable = {
  FFT: transform("FFT", false),
  IFFT: transform("IFFT", true),
  ComplexAbs: complexAbs,
};
