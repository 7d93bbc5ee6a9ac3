/** Non-maximum suppression: boxes by falling score, without those that overlap one already taken. */
import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { KernelBody, KernelCall, KernelTable } from "./kernel.ts";

/** Boxes that wait, the best first: the largest score, of equal ones the first box. */
class Waiting {
  readonly #scores: Float64Array;
  readonly #heap: Int32Array;
  #count = 0;

  constructor(scores: Float64Array) {
    this.#scores = scores;
    this.#heap = new Int32Array(scores.length);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  #comesBefore(a: number, b: number): boolean {
    const [first, second] = [this.#scores[a] ?? 0, this.#scores[b] ?? 0];
    return first > second || (first === second && a < b);
  }

  push(box: number): void {
    const heap = this.#heap;
    let at = this.#count++;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.#comesBefore(box, heap[above] ?? 0)) {
        break;
      }
      heap[at] = heap[above] ?? 0;
      at = above;
    }
    heap[at] = box;
  }

  pop(): number {
    const heap = this.#heap;
    const best = heap[0] ?? 0;
    const last = heap[--this.#count] ?? 0;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= this.#count) {
        break;
      }
      if (below + 1 < this.#count && this.#comesBefore(heap[below + 1] ?? 0, heap[below] ?? 0)) {
        below++;
      }
      if (!this.#comesBefore(heap[below] ?? 0, last)) {
        break;
      }
      heap[at] = heap[below] ?? 0;
      at = below;
    }
    heap[at] = last;
    return best;
  }
}

/** The overlap of boxes [y1, x1, y2, x2], whose corners may be given in any order, as a share of their union. */
class Overlaps {
  readonly #corners: Float64Array;
  readonly #areas: Float64Array;

  constructor(boxes: Float32Array) {
    this.#corners = new Float64Array(boxes.length);
    this.#areas = new Float64Array(boxes.length / 4);
    for (let box = 0; box < this.#areas.length; box++) {
      const [top = 0, left = 0, bottom = 0, right = 0] = boxes.subarray(box * 4, box * 4 + 4);
      const ends = [
        Math.min(top, bottom),
        Math.min(left, right),
        Math.max(top, bottom),
        Math.max(left, right),
      ] as const;
      this.#corners.set(ends, box * 4);
      this.#areas[box] = (ends[2] - ends[0]) * (ends[3] - ends[1]);
    }
  }

  of(a: number, b: number): number {
    const corners = this.#corners;
    const [first, second] = [this.#areas[a] ?? 0, this.#areas[b] ?? 0];
    if (first <= 0 || second <= 0) {
      return 0;
    }
    const [i, j] = [a * 4, b * 4];
    const height = Math.min(corners[i + 2] ?? 0, corners[j + 2] ?? 0) - Math.max(corners[i] ?? 0, corners[j] ?? 0);
    const width =
      Math.min(corners[i + 3] ?? 0, corners[j + 3] ?? 0) - Math.max(corners[i + 1] ?? 0, corners[j + 1] ?? 0);
    const both = Math.max(height, 0) * Math.max(width, 0);
    return both / (first + second - both);
  }
}

interface Chosen {
  readonly indices: number[];
  readonly scores: number[];
}

/** Takes boxes one by one; with a `softNmsSigma` an overlap lowers a score instead of striking the box out. */
function choose({ backend, inputs, attrs }: KernelCall): Chosen {
  const { boxes, scores }: { boxes: TensorInfo; scores: TensorInfo } = inputs;
  const { maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma = 0 } = attrs;
  const current = Float64Array.from(backend.values(scores));
  const overlaps = new Overlaps(backend.values(boxes));
  const scale = softNmsSigma > 0 ? -0.5 / softNmsSigma : 0;
  const waiting = new Waiting(current);
  for (let box = 0; box < current.length; box++) {
    if ((current[box] ?? 0) > scoreThreshold) {
      waiting.push(box);
    }
  }
  // How many of those taken a box has been compared with.
  const compared = new Int32Array(current.length);
  const chosen: Chosen = { indices: [], scores: [] };
  while (chosen.indices.length < maxOutputSize && !waiting.isEmpty) {
    const box = waiting.pop();
    const before = current[box] ?? 0;
    let score = before;
    let isStruck = false;
    for (let k = chosen.indices.length - 1; k >= (compared[box] ?? 0); k--) {
      const overlap = overlaps.of(box, chosen.indices[k] ?? 0);
      if (overlap >= iouThreshold) {
        isStruck = true;
        break;
      }
      if (scale !== 0 || Number.isNaN(overlap)) {
        score *= overlap <= iouThreshold ? Math.exp(scale * overlap * overlap) : 0;
        if (score <= scoreThreshold) {
          break;
        }
      }
    }
    compared[box] = chosen.indices.length;
    current[box] = score;
    if (isStruck) {
      continue;
    }
    if (score === before) {
      chosen.indices.push(box);
      chosen.scores.push(score);
    } else if (score > scoreThreshold) {
      waiting.push(box);
    }
  }
  return chosen;
}

function integers({ backend }: KernelCall, values: readonly number[], shape: number[]): TensorInfo {
  const y = backend.output(shape, "int32");
  y.values.set(values);
  return y;
}

const suppress: KernelBody = (call) => {
  const { indices } = choose(call);
  return integers(call, indices, [indices.length]);
};

/** With how many of the indices are of boxes; those behind them are 0. */
const suppressPadded: KernelBody = (call) => {
  const { indices } = choose(call);
  const { maxOutputSize, padToMaxOutputSize } = call.attrs;
  const missing = padToMaxOutputSize ? Math.max(0, maxOutputSize - indices.length) : 0;
  const padded = [...indices, ...new Array<number>(missing).fill(0)];
  return [integers(call, padded, [padded.length]), integers(call, [indices.length], [])];
};

const suppressWithScores: KernelBody = (call) => {
  const { indices, scores } = choose(call);
  const y = call.backend.output([scores.length]);
  y.values.set(scores);
  return [integers(call, indices, [indices.length]), y];
};

export const boxKernels: KernelTable = {
  NonMaxSuppressionV3: suppress,
  NonMaxSuppressionV4: suppressPadded,
  NonMaxSuppressionV5: suppressWithScores,
};
