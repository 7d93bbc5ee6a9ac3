// `node install/trial.cjs ENGINE.node`: whether a binary loads here and computes what plain loops do, on each instruction set that this
// processor has. It needs no package, so that it runs wherever Node does, an emulator too.
const { resolve } = require("node:path");

const addon = require(resolve(process.argv[2]));
let failures = 0;

/** Numbers that look like noise and are the same everywhere. */
function noise(length, seed) {
  const values = new Float32Array(length);
  for (let i = 0, state = seed; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = state / 2 ** 31 - 1;
  }
  return values;
}

function compare(what, got, expected, tolerance = 1e-4) {
  const at = expected.findIndex((value, i) => !(Math.abs(value - got[i]) <= tolerance * Math.max(1, Math.abs(value))));
  if (at >= 0) {
    failures++;
    console.error(`${what}: element ${at} is ${got[at]}, expected ${expected[at]}`);
  }
}

function product() {
  const [m, n, k] = [37, 29, 53];
  const a = noise(m * k, 1);
  const b = noise(k * n, 2);
  const c = new Float32Array(m * n);
  addon.gemm(a, b, undefined, c, 1, m, n, k, false, false, false, false, 0, false);
  const sums = Array.from({ length: m * n }, (_, at) => {
    let sum = 0;
    for (let i = 0; i < k; i++) {
      sum += a[Math.floor(at / n) * k + i] * b[i * n + (at % n)];
    }
    return sum;
  });
  compare("product", c, sums);
}

function convolution() {
  const [batch, size, channels, out] = [2, 11, 5, 19];
  const x = noise(batch * size * size * channels, 3);
  const w = noise(9 * channels * out, 4);
  const y = new Float32Array(batch * size * size * out);
  // Images, results, filter, strides, padding, dilations, groups.
  const shape = Int32Array.of(batch, size, size, channels, size, size, out, 3, 3, 1, 1, 1, 1, 1, 1, 1);
  addon.conv2d(shape, x, w, undefined, undefined, 0, y, false);
  const dx = new Float32Array(x.length);
  addon.conv2dInputGrad(shape, y, w, dx);
  const dw = new Float32Array(w.length);
  addon.conv2dFilterGrad(shape, x, y, dw, undefined);
  const sums = { y: new Array(y.length).fill(0), dx: new Array(x.length).fill(0), dw: new Array(w.length).fill(0) };
  // Every product of a pixel and a weight, with the element that it belongs to.
  const each = (act) => {
    for (let at = 0; at < batch * size * size; at++) {
      const [image, row, column] = [Math.floor(at / size ** 2), Math.floor(at / size) % size, at % size];
      for (let tap = 0; tap < 9; tap++) {
        const [h, v] = [row + Math.floor(tap / 3) - 1, column + (tap % 3) - 1];
        for (let i = 0; h >= 0 && v >= 0 && h < size && v < size && i < channels; i++) {
          for (let o = 0; o < out; o++) {
            act(at * out + o, ((image * size + h) * size + v) * channels + i, (tap * channels + i) * out + o);
          }
        }
      }
    }
  };
  each((to, from, by) => {
    sums.y[to] += x[from] * w[by];
  });
  each((to, from, by) => {
    sums.dx[from] += y[to] * w[by];
    sums.dw[by] += y[to] * x[from];
  });
  compare("convolution", y, sums.y);
  compare("gradient of its input", dx, sums.dx);
  compare("gradient of its filter", dw, sums.dw);
}

function rows() {
  const [count, classes] = [23, 17];
  const x = noise(count * classes, 5);
  const y = new Float32Array(x.length);
  addon.softmax(x, y, count, classes, false);
  const expected = Array.from(x, (value, at) => {
    const row = x.subarray(at - (at % classes), at - (at % classes) + classes);
    return Math.exp(value) / row.reduce((sum, each) => sum + Math.exp(each), 0);
  });
  compare("softmax", y, expected);
}

function optimizer() {
  const parameter = noise(1001, 6);
  const gradient = noise(1001, 7);
  const expected = Array.from(parameter, (value, i) => value - 0.1 * gradient[i]);
  addon.sgd([parameter], [gradient], undefined, 0.1, 0, 0, 0, false, true, false);
  compare("SGD", parameter, expected);
}

const sets = [...new Set(["", "avx512", "avx2", "generic"].map((wanted) => addon.configure(0, wanted)))];
for (const set of sets) {
  addon.configure(3, set);
  for (const trial of [product, convolution, rows, optimizer]) {
    trial();
  }
}
console.log(`${process.platform} ${process.arch}: ${sets.join(", ")}: ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
