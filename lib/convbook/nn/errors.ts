/** Errors of the network library: each is a class with fields, so that callers may handle it, and a message that names all of them. */
import { nearestNames, shortened } from "../arguments/names.ts";

export { nearestNames, UnknownNameError } from "../arguments/names.ts";
export { OptionError } from "../arguments/option-error.ts";
export { checkObject, refuseUnknownOptions, UnknownOptionError } from "../arguments/options.ts";

/** An input whose shape does not fit the layer that it was given to. */
export class ShapeError extends Error {
  /** The layer, as it prints itself. */
  readonly layer: string;
  /** The shape that it was given. */
  readonly got: readonly number[];
  /** What it takes, in words. */
  readonly expected: string;

  constructor(layer: string, got: readonly number[], expected: string) {
    super(`${layer} was given an input of shape [${got.join(", ")}], but expects ${expected}.`);
    this.name = "ShapeError";
    this.layer = layer;
    this.got = [...got];
    this.expected = expected;
  }
}

/** Where layers belong, so that optimizers and checkpoints find them. */
export const layersBelong =
  "Keep each layer in a field of its own, in a Sequential or in a ModuleList, or register it with registerModule; in an array, a Map, " +
  "a #private field or a variable outside nobody finds it, and one that forward makes comes too late.";

/** Layers that a module uses but that are no part of it: no optimizer would train them, no checkpoint hold them, no mode reach them. */
export class UnregisteredModuleError extends Error {
  /** The module's type. */
  readonly module: string;
  /** The layers, as they print themselves, with the field where it is known. */
  readonly layers: readonly string[];

  constructor(module: string, layers: readonly string[]) {
    super(
      `${module} uses what is no part of it: ${layers.slice(0, 10).join("; ")}${layers.length > 10 ? `; and ${layers.length - 10} more` : ""}. ` +
        `${layersBelong} A network that is only asked, such as a teacher, is frozen: requiresGrad_(false).`,
    );
    this.name = "UnregisteredModuleError";
    this.module = module;
    this.layers = [...layers];
  }
}

/** An entry of a state dict whose shape is not the module's. */
export interface MisshapenEntry {
  readonly name: string;
  readonly expected: readonly number[];
  readonly got: readonly number[];
}

/** So many entries of a kind are printed; the error's fields hold all. More than any network here has. */
const mostPrinted = 2000;
const mostComparisons = 150_000;

/** A state dict that does not fit a module: every missing, unexpected and misshapen entry at once. Nothing was loaded. */
export class StateDictError extends Error {
  /** The module's type. */
  readonly module: string;
  /** Entries of the module that the state dict lacks. */
  readonly missing: readonly string[];
  /** Entries of the state dict that the module does not have. */
  readonly unexpected: readonly string[];
  /** Entries that both have, with different shapes (PyTorch's order of dimensions). */
  readonly misshapen: readonly MisshapenEntry[];

  constructor(
    module: string,
    problems: { missing: readonly string[]; unexpected: readonly string[]; misshapen: readonly MisshapenEntry[] },
  ) {
    const { missing, unexpected, misshapen } = problems;
    const lines = [`The state dict does not fit ${module}:`];
    // Every name is compared with every other one: for thousands of them that would take longer than it helps.
    const isComparable = missing.length * unexpected.length <= mostComparisons;
    const withNearest = (candidates: readonly string[]) => (name: string) => {
      const [nearest] = isComparable ? nearestNames(name, candidates, 1) : [];
      return nearest === undefined ? shortened(name) : `${name} (nearest: ${nearest})`;
    };
    const list = <T>(title: string, items: readonly T[], print: (item: T) => string) => {
      if (items.length === 0) {
        return;
      }
      lines.push(`  ${title} (${items.length}):`, ...items.slice(0, mostPrinted).map((item) => `    ${print(item)}`));
      if (items.length > mostPrinted) {
        lines.push(`    ... and ${items.length - mostPrinted} more`);
      }
    };
    list("missing", missing, withNearest(unexpected));
    list("unexpected", unexpected, withNearest(missing));
    list("misshapen", misshapen, ({ name, expected, got }) => {
      return `${shortened(name)}: expected [${expected.join(", ")}], got [${got.join(", ")}]`;
    });
    super(lines.join("\n"));
    this.name = "StateDictError";
    this.module = module;
    this.missing = [...missing];
    this.unexpected = [...unexpected];
    this.misshapen = [...misshapen];
  }
}
