/** Errors of the network library: each is a class with fields, so that callers may handle it, and a message that names all of them. */

/** Number of single-character insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(substitution, (previous[j] as number) + 1, (current[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] as number) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] as number;
}

/** Longer names are not compared: no slip makes them, and hostile files may hold megabytes of one. */
const longestName = 200;

/** A name as it is printed: the beginning of a very long one. */
const shortened = (name: string) => (name.length > longestName ? `${name.slice(0, longestName)}...` : name);

/**
 * The names among `known` that somebody who typed `name` may have meant, nearest first.
 *
 * Case, hyphens and underscores do not count; a name that contains the other is near; the rest must lie within a third of its length.
 *
 * @param name what was typed
 * @param known the names that exist
 * @param limit how many to return at most
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  if (name.length > longestName) return [];
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  const typed = plain(name);
  const scored: { candidate: string; distance: number }[] = [];
  for (const candidate of known) {
    if (candidate.length > longestName) continue;
    const other = plain(candidate);
    const distance = editDistance(typed, other);
    const contained = Math.min(typed.length, other.length) >= 3 && (other.includes(typed) || typed.includes(other));
    if (contained) scored.push({ candidate, distance: Math.min(distance, 1 + distance / 100) });
    else if (distance <= Math.max(1, Math.floor(Math.max(typed.length, other.length) / 3))) {
      scored.push({ candidate, distance });
    }
  }
  return scored
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map((entry) => entry.candidate);
}

/** A name (of a model, an activation, an option ...) that does not exist. */
export class UnknownNameError extends Error {
  /** What kind of thing was named, for example "activation". */
  readonly kind: string;
  /** The name that was given. */
  readonly given: string;
  /** All names that exist. */
  readonly known: readonly string[];
  /** The nearest of them. */
  readonly nearest: readonly string[];

  constructor(kind: string, given: string, known: Iterable<string>) {
    const all = [...known];
    const nearest = nearestNames(given, all);
    const hint = nearest.length > 0 ? ` Did you mean ${nearest.map((n) => `"${n}"`).join(" or ")}?` : "";
    super(`Unknown ${kind} "${shortened(given)}".${hint} Known: ${all.join(", ")}.`);
    this.name = "UnknownNameError";
    this.kind = kind;
    this.given = given;
    this.known = all;
    this.nearest = nearest;
  }
}

/**
 * Refuses options that a layer does not have. A type checker would; programs without one, and casts, get a layer that silently does something else.
 *
 * @throws {UnknownNameError} naming the option, and the nearest that there are
 */
export function refuseUnknownOptions(owner: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new UnknownNameError(`option of ${owner}`, name, known);
  }
}

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

/** Layers that a module uses but that are no part of it: no optimizer would train them, no checkpoint hold them, no mode reach them. */
export class UnregisteredModuleError extends Error {
  /** The module's type. */
  readonly module: string;
  /** The layers, as they print themselves, with the field where it is known. */
  readonly layers: readonly string[];

  constructor(module: string, layers: readonly string[]) {
    super(
      `${module || "A module without a name"} uses what is no part of it: ${layers.slice(0, 10).join("; ")}${layers.length > 10 ? `; and ${layers.length - 10} more` : ""}. ` +
        "Keep each layer in a field of its own, in a Sequential or in a ModuleList, or register it with registerModule; in an array, a Map, " +
        "a #private field or a variable outside nobody finds it. A network that is only asked, such as a teacher, is frozen: requiresGrad_(false).",
    );
    this.name = "UnregisteredModuleError";
    this.module = module;
    this.layers = [...layers];
  }
}

/** An option of a layer or model with a value that it cannot have. */
export class OptionError extends Error {
  /** Whose option. */
  readonly owner: string;
  /** The option's name. */
  readonly option: string;
  /** Its value. */
  readonly got: unknown;
  /** What it may be, in words. */
  readonly expected: string;

  constructor(owner: string, option: string, got: unknown, expected: string) {
    super(`${owner}: ${option} must be ${expected}, got ${describe(got)}.`);
    this.name = "OptionError";
    this.owner = owner;
    this.option = option;
    this.got = got;
    this.expected = expected;
  }
}

function describe(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  try {
    const text = JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}n` : v)) ?? String(value);
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
  } catch {
    return String(value);
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
      if (items.length === 0) return;
      lines.push(`  ${title} (${items.length}):`, ...items.slice(0, mostPrinted).map((item) => `    ${print(item)}`));
      if (items.length > mostPrinted) lines.push(`    ... and ${items.length - mostPrinted} more`);
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
