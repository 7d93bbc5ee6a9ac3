/** What data sets that are fetched ask of their options. */
import { checkFunction, checkText } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../arguments/options.ts";
import type { FetchOptions } from "./decode.ts";
import { checkTransform, type Transform } from "./transforms/transform.ts";

const names = ["train", "transform", "onProgress", "signal", "cache", "offline"];

/**
 * Refuses options that do not exist, and values that they cannot have, before anything is fetched.
 *
 * @param owner the data set's function
 * @param more its own options besides
 * @throws {OptionError} naming the option
 */
export function checkFetchOptions(
  owner: string,
  options: FetchOptions & { readonly train?: boolean; readonly transform?: Transform | null },
  more: readonly string[] = [],
): void {
  refuseUnknownOptions(owner, options, [...names, ...more]);
  checkSwitches(owner, options, { train: true, offline: false });
  const { transform, onProgress, signal, cache } = options;
  checkTransform(owner, transform);
  if (onProgress !== undefined) {
    checkFunction(owner, "onProgress", onProgress);
  }
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new OptionError(owner, "signal", signal, "an AbortSignal");
  }
  if (cache !== undefined) {
    checkText(owner, "cache", cache, "the path of a folder");
  }
}
