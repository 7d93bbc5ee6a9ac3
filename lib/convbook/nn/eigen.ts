/** Eigenvalues and eigenvectors of small symmetric matrices, in double precision. */

/** Values from the largest to the smallest; `vectors[i]` is the eigenvector of `values[i]`, of length 1, its entry farthest from 0 positive. */
export interface SymmetricEigen {
  readonly values: readonly number[];
  readonly vectors: readonly Float64Array[];
}

/** Sweeps after which the rotations have long come to an end: convergence is quadratic. */
const mostSweeps = 50;

/**
 * Jacobi's method: rotations of two axes at a time make the entries off the diagonal vanish (Golub and Van Loan, Matrix Computations, 8.5).
 *
 * @param matrix n × n values, row by row, symmetric; left as it is
 * @param n number of rows
 */
export function symmetricEigen(matrix: Float64Array, n: number): SymmetricEigen {
  const a = matrix.slice();
  const axes = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    axes[i * n + i] = 1;
  }
  const entry = (row: number, column: number) => a[row * n + column] ?? 0;
  const total = a.reduce((sum, value) => sum + value ** 2, 0);
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const value = entry(p, q);
        off += value ** 2;
        if (value === 0) {
          continue;
        }
        const cotangent = (entry(q, q) - entry(p, p)) / (2 * value);
        const tangent = (cotangent < 0 ? -1 : 1) / (Math.abs(cotangent) + Math.sqrt(cotangent ** 2 + 1));
        const cosine = 1 / Math.sqrt(tangent ** 2 + 1);
        const sine = tangent * cosine;
        rotate(a, n, [p, q], [n, 1], cosine, sine);
        rotate(a, n, [p, q], [1, n], cosine, sine);
        rotate(axes, n, [p, q], [n, 1], cosine, sine);
      }
    }
    if (off <= 1e-30 * total) {
      break;
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => entry(j, j) - entry(i, i));
  return {
    values: order.map((i) => entry(i, i)),
    vectors: order.map((i) => upright(Float64Array.from({ length: n }, (_, row) => axes[row * n + i] ?? 0))),
  };
}

/** Turns two columns (steps [n, 1]) or two rows (steps [1, n]) of a matrix. */
function rotate(
  matrix: Float64Array,
  n: number,
  [p, q]: readonly [number, number],
  [along, across]: readonly [number, number],
  cosine: number,
  sine: number,
): void {
  for (let k = 0; k < n; k++) {
    const [first, second] = [k * along + p * across, k * along + q * across];
    const [x, y] = [matrix[first] ?? 0, matrix[second] ?? 0];
    matrix[first] = cosine * x - sine * y;
    matrix[second] = sine * x + cosine * y;
  }
}

/** Of the two eigenvectors of length 1 the one whose entry farthest from 0 is positive. */
function upright(vector: Float64Array): Float64Array {
  const farthest = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) + 1e-12 ? value : best), 0);
  return farthest < 0 ? vector.map((value) => -value) : vector;
}
