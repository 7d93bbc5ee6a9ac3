/** Rows of samples of any depth and kind, made into red, green, blue and alpha of eight bits. */
import type { PngChunks } from "./chunks.ts";

/** Samples a pixel, by colour type. */
export const samplesPerPixel = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;

/** Writes a row's pixels: the first to `at` in `out`, each next one `step` further. */
export type WriteRow = (row: Uint8Array, count: number, out: Uint8Array, at: number, step: number) => void;

/**
 * How rows of an image are to be read.
 *
 * @param channels 3 for colours alone, 4 with alpha
 */
export function rowWriter({ header, palette, transparency }: PngChunks, channels: 3 | 4): WriteRow {
  const { depth, colorType, width } = header;
  const samples = samplesPerPixel[colorType];
  const unpacked = new Uint16Array(depth === 8 ? 0 : width * samples);
  const unpack = depth === 8 ? (row: Uint8Array) => row : unpacker(depth, unpacked);
  const alpha = channels === 4;
  if (colorType === 3) {
    const colours = paletteColours(palette as Uint8Array, transparency);
    return (row, count, out, at, step) => {
      const indices = unpack(row, count);
      for (let i = 0, to = at; i < count; i++, to += step) {
        const from = (indices[i] ?? 0) * 4;
        for (let c = 0; c < channels; c++) {
          out[to + c] = colours[from + c] ?? 0;
        }
      }
    };
  }
  if (depth === 8 && colorType === 2 && !alpha) {
    return (row, count, out, at, step) => {
      if (step === 3) {
        out.set(row, at);
      } else {
        for (let i = 0, to = at; i < count; i++, to += step) {
          out.set(row.subarray(3 * i, 3 * i + 3), to);
        }
      }
    };
  }
  // Of 16 bits the upper eight; fewer than eight are spread over the whole range.
  const shift = depth === 16 ? 8 : 0;
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const isGrey = samples < 3;
  const hasAlpha = samples % 2 === 0;
  const clear = alpha && !hasAlpha ? transparentColour(transparency, samples, depth) : undefined;
  return (row, count, out, at, step) => {
    const values = unpack(row, count * samples);
    for (let i = 0, from = 0, to = at; i < count; i++, from += samples, to += step) {
      const red = ((values[from] ?? 0) >> shift) * scale;
      out[to] = red;
      out[to + 1] = isGrey ? red : (values[from + 1] ?? 0) >> shift;
      out[to + 2] = isGrey ? red : (values[from + 2] ?? 0) >> shift;
      if (!alpha) {
        continue;
      }
      if (hasAlpha) {
        out[to + 3] = (values[from + samples - 1] ?? 0) >> shift;
      } else {
        out[to + 3] = clear?.every((value, c) => values[from + c] === value) ? 0 : 255;
      }
    }
  };
}

/** Gives a row's samples of another depth than eight bits, in an array that the next row uses again. */
function unpacker(depth: 1 | 2 | 4 | 16, into: Uint16Array): (row: Uint8Array, count: number) => Uint16Array {
  if (depth === 16) {
    return (row, count) => {
      for (let i = 0; i < count; i++) {
        into[i] = ((row[2 * i] ?? 0) << 8) | (row[2 * i + 1] ?? 0);
      }
      return into;
    };
  }
  const perByte = 8 / depth;
  const mask = 2 ** depth - 1;
  return (row, count) => {
    for (let i = 0; i < count; i++) {
      const byte = row[Math.floor(i / perByte)] ?? 0;
      into[i] = (byte >> (8 - depth * ((i % perByte) + 1))) & mask;
    }
    return into;
  };
}

/** Red, green, blue and alpha of all 256 indices; those that the palette does not have are grey, as in Pillow. */
function paletteColours(palette: Uint8Array, transparency: Uint8Array | undefined): Uint8Array {
  const colours = new Uint8Array(4 * 256);
  for (let i = 0; i < 256; i++) {
    for (let c = 0; c < 3; c++) {
      colours[4 * i + c] = palette[3 * i + c] ?? i;
    }
    colours[4 * i + 3] = transparency?.[i] ?? 255;
  }
  return colours;
}

/** The samples of the colour that is transparent; undefined where there is none. */
function transparentColour(
  transparency: Uint8Array | undefined,
  samples: number,
  depth: number,
): readonly number[] | undefined {
  if (transparency === undefined || transparency.length < 2 * samples) {
    return undefined;
  }
  const view = new DataView(transparency.buffer, transparency.byteOffset, transparency.byteLength);
  return Array.from({ length: samples }, (_, c) => view.getUint16(2 * c) & (2 ** depth - 1));
}
