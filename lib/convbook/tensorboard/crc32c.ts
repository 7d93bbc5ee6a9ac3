/** The checksum of TFRecord files: CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), masked so that a checksum of checksums stays sound. */

/** What a byte becomes. */
const t0 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return crc;
});

/** What becomes of a table's entries when a byte of zero follows. */
const behind = (table: Uint32Array) => table.map((crc) => (crc >>> 8) ^ (t0[crc & 255] ?? 0));

// Eight tables, so that eight bytes are taken a step.
const t1 = behind(t0);
const t2 = behind(t1);
const t3 = behind(t2);
const t4 = behind(t3);
const t5 = behind(t4);
const t6 = behind(t5);
const t7 = behind(t6);

/** CRC-32C of `bytes`, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
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
  for (; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ at(t0, crc ^ (bytes[i] ?? 0));
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The masked form that TFRecord stores. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
