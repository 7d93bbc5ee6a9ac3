/** MurmurHash2, 32 bits: by it Jupyter's debugger names the file of a cell, in the front-end and in the kernel alike. */
export function murmur2(text: string, seed: number): number {
  const data = Buffer.from(text, "utf8");
  const m = 0x5bd1e995;
  let h = (seed ^ data.length) | 0;
  const end = data.length & ~3;
  for (let i = 0; i < end; i += 4) {
    let k = Math.imul(data.readInt32LE(i), m);
    k ^= k >>> 24;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  if (data.length > end) {
    for (let i = data.length - 1; i >= end; i--) {
      h ^= (data[i] ?? 0) << (8 * (i - end));
    }
    h = Math.imul(h, m);
  }
  h ^= h >>> 13;
  h = Math.imul(h, m);
  h ^= h >>> 15;
  return h >>> 0;
}
