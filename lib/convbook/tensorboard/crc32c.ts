/** The checksum of TFRecord files: CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), masked so that a checksum of checksums stays sound. */

const tables = makeTables();

/** Eight tables, so that eight bytes are taken a step. */
function makeTables(): readonly Uint32Array[] {
  const all = Array.from({ length: 8 }, () => new Uint32Array(256));
  const first = all[0] as Uint32Array;
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc;
  }
  for (let k = 1; k < 8; k++) {
    const before = all[k - 1] as Uint32Array;
    for (let n = 0; n < 256; n++) {
      const crc = before[n] ?? 0;
      (all[k] as Uint32Array)[n] = (crc >>> 8) ^ (first[crc & 255] ?? 0);
    }
  }
  return all;
}

/** CRC-32C of `bytes`, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const at = (table: Uint32Array, index: number): number => table[index & 255] ?? 0;
  let crc = 0xffffffff;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    const b = (k: number): number => bytes[i + k] ?? 0;
    crc =
      at(t7, crc ^ b(0)) ^
      at(t6, (crc >>> 8) ^ b(1)) ^
      at(t5, (crc >>> 16) ^ b(2)) ^
      at(t4, (crc >>> 24) ^ b(3)) ^
      at(t3, b(4)) ^
      at(t2, b(5)) ^
      at(t1, b(6)) ^
      at(t0, b(7));
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ at(t0, crc ^ (bytes[i] ?? 0));
  return (crc ^ 0xffffffff) >>> 0;
}

/** The masked form that TFRecord stores. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
