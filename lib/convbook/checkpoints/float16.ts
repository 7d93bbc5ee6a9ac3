/** Half-precision numbers (IEEE 754 binary16) and bfloat16, both of which JavaScript on Node 20 has no arrays for. */

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

function halfToFloatBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) {
    return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  }
  if (exponent !== 0) {
    return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  }
  if (fraction === 0) {
    return sign >>> 0;
  }
  // Subnormal: shift until the leading one stands before the point.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

let halfTable: Uint32Array | undefined;

/**
 * Widens half-precision numbers; exact.
 *
 * @param source their bits, in native byte order
 */
export function float16ToFloat32(source: Uint16Array): Float32Array<ArrayBuffer> {
  if (halfTable === undefined) {
    halfTable = new Uint32Array(1 << 16);
    for (let i = 0; i < halfTable.length; i++) {
      halfTable[i] = halfToFloatBits(i);
    }
  }
  const result = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) {
    result[i] = halfTable[source[i] ?? 0] ?? 0;
  }
  return new Float32Array(result.buffer);
}

/** Widens bfloat16 numbers, which are the upper halves of single-precision ones; exact. */
export function bfloat16ToFloat32(source: Uint16Array): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) {
    result[i] = (source[i] ?? 0) << 16;
  }
  return new Float32Array(result.buffer);
}

/** Narrows to half precision, to the nearest, ties to even; too large becomes infinite, as in PyTorch. */
export function float32ToFloat16(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    float[0] = source[i] ?? 0;
    const b = bits[0] ?? 0;
    const sign = (b >>> 16) & 0x8000;
    const magnitude = b & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      // NaN stays NaN, quiet, with the upper part of its payload.
      result[i] = sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    } else if (magnitude >= 0x477ff000) {
      result[i] = sign | 0x7c00;
    } else if (magnitude >= 0x38800000) {
      const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
      result[i] = sign | (rounded >>> 13);
    } else if (magnitude >= 0x33000000) {
      const shift = 126 - (magnitude >>> 23);
      const fraction = (magnitude & 0x7fffff) | 0x800000;
      const quotient = fraction >>> shift;
      const remainder = fraction & ((1 << shift) - 1);
      const half = 1 << (shift - 1);
      const up = remainder > half || (remainder === half && (quotient & 1) === 1) ? 1 : 0;
      result[i] = sign | (quotient + up);
    } else {
      result[i] = sign;
    }
  }
  return result;
}

/** Narrows to bfloat16, to the nearest, ties to even. */
export function float32ToBfloat16(source: Float32Array): Uint16Array<ArrayBuffer> {
  const result = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    float[0] = source[i] ?? 0;
    const b = bits[0] ?? 0;
    result[i] = (b & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return result;
}
