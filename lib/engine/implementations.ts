/**
 * Which implementations of convolutions the engine may use: its own, and oneDNN where the installation found it. For each
 * shape of a convolution the faster one is found out at its first use; the choices are kept in a file of the cache, so that
 * the next run chooses the same and gives the same bits.
 */
import type { NativeAddon } from "./native-addon.ts";

export const implementationNames = ["native", "onednn"] as const;

export type ImplementationName = (typeof implementationNames)[number];

/** What was found out about one shape of a convolution. */
export interface ImplementationChoice {
  /** Direction and sizes: the images [batch x height x width x channels], the filter [height x width x in x out], and the rest. */
  readonly operation: string;
  /** Milliseconds of the engine's own. */
  readonly native: number;
  /** Milliseconds of oneDNN; null where it does not have the operation. */
  readonly onednn: number | null;
  readonly chosen: ImplementationName;
}

export interface ImplementationsInfo {
  /** The implementations in use. */
  readonly names: readonly ImplementationName[];
  /** The version of oneDNN that is loaded; null when it is not in use. */
  readonly onednn: string | null;
  /** Convolutions that oneDNN has run since it was taken into use, those that were only measured among them. */
  readonly runs: number;
  /** What was chosen so far, and in earlier runs. */
  readonly choices: readonly ImplementationChoice[];
  /** Where the choices are kept; null when they are not. */
  readonly file: string | null;
}

/** @throws TypeError for a name that is not one of {@link implementationNames}, or for none at all */
export function parseImplementations(names: readonly string[]): readonly ImplementationName[] {
  const result = names.map((name) => {
    const found = implementationNames.find((known) => known === name);
    if (found !== undefined) {
      return found;
    }
    const near = /dnn|mkl/i.test(String(name)) ? '; did you mean "onednn"?' : "";
    throw new TypeError(
      `An implementation is one of ${implementationNames.join(", ")}; got ${JSON.stringify(name)}${near}`,
    );
  });
  if (result.length === 0) {
    throw new TypeError("Of implementations there must be one at least; got []");
  }
  return [...new Set(result)];
}

/** The files of oneDNN, where there are files. */
export interface OneDnnFiles {
  /** The module that was built beside the engine's own; undefined where it was not. */
  moduleBeside(enginePath: string): string | undefined;
  /** The file for choices, whose folder is there; null where there can be none. */
  choices(enginePath: string, isa: string, release: string): string | null;
}

let file: string | null = null;
let release: string | null = null;
let always = false;

/**
 * Takes oneDNN for convolutions, on this instruction set: where it is faster, or (`wherever`) where it can.
 *
 * @returns why it cannot be; undefined when all is well
 */
export function useOneDnn(
  addon: NativeAddon,
  files: OneDnnFiles | undefined,
  enginePath: string,
  isa: string,
  wherever: boolean,
): string | undefined {
  dropOneDnn(addon);
  const module = files?.moduleBeside(enginePath);
  if (files === undefined || module === undefined) {
    return "the engine was built without it (Debian: apt install libdnnl-dev, then `npm rebuild @convbook/engine`)";
  }
  const loaded = addon.useOneDnn(module, wherever);
  if (typeof loaded === "string" || loaded === undefined) {
    return loaded;
  }
  release = loaded[1];
  always = wherever;
  if (wherever) {
    return undefined;
  }
  file = files.choices(enginePath, isa, release);
  addon.useOneDnn(module, false, file ?? undefined);
  return undefined;
}

export function dropOneDnn(addon: NativeAddon): void {
  addon.useOneDnn();
  file = null;
  release = null;
}

export function implementationsInfo(addon: NativeAddon): ImplementationsInfo {
  return {
    names: release === null ? ["native"] : always ? ["onednn"] : ["native", "onednn"],
    onednn: release,
    runs: addon.oneDnnRuns(),
    choices: addon.oneDnnChoices().map(([operation, native, onednn, takesOneDnn]) => ({
      operation,
      native,
      onednn: onednn < 0 ? null : onednn,
      chosen: takesOneDnn ? "onednn" : "native",
    })),
    file,
  };
}
