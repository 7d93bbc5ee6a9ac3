/** How large an image may be before it is refused. */
import { defaultMaxPixels } from "nbconvert-ts-runner/png";

/** Options of whatever decodes images. */
export interface DecodeOptions {
  /** The most pixels that are read, else `CONVBOOK_MAX_PIXELS`, else 178,956,970, where Pillow suspects a decompression bomb. */
  readonly maxPixels?: number | undefined;
}

/** Throws an error with a message, which goes on after the file's name and ends without a full stop. */
export type Fail = (message: string, cause?: unknown) => never;

/**
 * @returns what refuses a size of too many pixels, through `fail`
 * @throws {RangeError} naming a limit that is none
 */
export function sizeCheck(fail: Fail, { maxPixels }: DecodeOptions): (width: number, height: number) => void {
  const most = maxPixels ?? fromEnvironment() ?? defaultMaxPixels;
  if (!(most >= 1)) {
    throw new RangeError(`maxPixels is ${most}; expected a number of pixels, at least 1.`);
  }
  return (width, height) => {
    if (width === 0 || height === 0) {
      fail("it has no pixels");
    }
    const pixels = width * height;
    if (pixels > most) {
      fail(`it tells of ${pixels} pixels; at most ${most} are read (CONVBOOK_MAX_PIXELS sets how many)`);
    }
  };
}

function fromEnvironment(): number | undefined {
  const text = process.env.CONVBOOK_MAX_PIXELS;
  if (text === undefined || text === "") {
    return undefined;
  }
  const most = Number(text);
  if (most >= 1) {
    return most;
  }
  throw new RangeError(`CONVBOOK_MAX_PIXELS is ${JSON.stringify(text)}; expected a number of pixels, at least 1.`);
}
