export { type DecodedPng, type DecodePngOptions, decodePng, defaultMaxPixels } from "./decode.ts";
export { PngError } from "./error.ts";
