/** Compares pictures as an eye does: small differences of colour and anti-aliasing do not count. */
import pixelmatch from "pixelmatch";
import { type DecodedPng, decodePng } from "../png/index.ts";

/** Share of pixels that may look different before two pictures count as different. */
const allowedShare = 0.005;
/** Pixelmatch's measure of colour difference, 0 to 1, that is still the same to an eye. */
const colourThreshold = 0.1;

/** What is different between two PNG pictures in base64, in words; undefined where nothing is. */
export function imageDifference(stored: string, fresh: string): string | undefined {
  if (stored === fresh) {
    return undefined;
  }
  let before: DecodedPng;
  let after: DecodedPng;
  try {
    before = decodePng(Buffer.from(stored, "base64"));
    after = decodePng(Buffer.from(fresh, "base64"));
  } catch (error) {
    return `the pictures' bytes differ, and one cannot be decoded: ${(error as Error).message}`;
  }
  if (before.width !== after.width || before.height !== after.height) {
    return `size ${before.width}x${before.height} -> ${after.width}x${after.height}`;
  }
  const different = pixelmatch(before.data, after.data, undefined, before.width, before.height, {
    threshold: colourThreshold,
  });
  const share = different / (before.width * before.height);
  return share <= allowedShare ? undefined : `${(share * 100).toFixed(1)} % of the pixels look different`;
}
