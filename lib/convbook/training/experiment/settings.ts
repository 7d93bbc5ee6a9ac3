/** Settings by name, taken out of a configuration one by one; what is wrong or left over is named with its place. */

import type { TransformSpec } from "../../data/transforms/transform.ts";
import { nearestNames } from "../../nn/errors.ts";
import type { HyperParameters } from "../core/json.ts";

/** A configuration with a mistake; the message names the place. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The file. */
  readonly file: string;
  /** The dotted path of the setting. */
  readonly path: string;

  constructor(file: string, path: string, message: string) {
    super(`${file}: ${path === "" ? "" : `${path} `}${message}`);
    this.file = file;
    this.path = path;
  }
}

export type Plain = { [key: string]: unknown };

/** An object that is no list. */
export function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Takes settings out of an object and complains about what nobody took. */
export class Reader {
  readonly #values: Plain;
  readonly file: string;
  readonly #prefix: string;

  constructor(values: Plain, file: string, prefix = "") {
    this.#values = values;
    this.file = file;
    this.#prefix = prefix;
  }

  fail(key: string, message: string): never {
    throw new ConfigError(this.file, this.#prefix + key, message);
  }

  /**
   * Refuses names that are not among these.
   *
   * @param advise a sentence on what serves in the place of a name that others had
   */
  only(known: readonly string[], advise?: (name: string) => string | undefined): void {
    for (const key of Object.keys(this.#values)) {
      if (known.includes(key)) {
        continue;
      }
      const [nearest] = nearestNames(key, known, 1);
      const guess = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
      const advice = advise?.(key);
      const hint = advice === undefined ? guess : ` ${advice}`;
      this.fail(key, `is not a setting.${hint} Settings: ${known.join(", ")}.`);
    }
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined;
  }

  section(key: string): Reader {
    const value = this.#values[key] ?? {};
    if (!isPlain(value)) {
      this.fail(key, `must hold settings by name, got ${JSON.stringify(value)}.`);
    }
    return new Reader(value, this.file, `${this.#prefix}${key}.`);
  }

  number(key: string, fallback: number, expected: string, fits: (value: number) => boolean): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "number" || !fits(value)) {
      return this.fail(key, `must be ${expected}, got ${JSON.stringify(value)}.`);
    }
    return value;
  }

  numbers(key: string): number[] | undefined {
    const value = this.#values[key];
    if (value === undefined) {
      return undefined;
    }
    const fits = Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));
    if (!fits) {
      return this.fail(key, `must be a list of numbers, got ${JSON.stringify(value)}.`);
    }
    return value;
  }

  texts(key: string): string[] {
    const value = this.#values[key] ?? [];
    const fits = Array.isArray(value) && value.every((each) => typeof each === "string" && each !== "");
    if (!fits) {
      return this.fail(key, `must be a list of texts, got ${JSON.stringify(value)}.`);
    }
    return value;
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "boolean") {
      return this.fail(key, `must be true or false, got ${JSON.stringify(value)}.`);
    }
    return value;
  }

  text(key: string, fallback: string): string {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== "string" || value === "") {
      return this.fail(key, `must be text, got ${JSON.stringify(value)}.`);
    }
    return value;
  }

  name<N extends string>(key: string, known: readonly N[], fallback: N, advice = ""): N {
    const value = this.text(key, fallback);
    const match = known.find((each) => each === value);
    if (match !== undefined) {
      return match;
    }
    const [nearest] = nearestNames(value, known, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return this.fail(key, `must be one of ${known.join(", ")}, got "${value}".${hint}${advice}`);
  }

  transforms(key: string): TransformSpec[] {
    const value = this.#values[key] ?? [];
    if (!Array.isArray(value)) {
      return this.fail(key, `must be a list of transforms, got ${JSON.stringify(value)}.`);
    }
    return value.map((entry, i) => this.transform(`${key}[${i}]`, entry));
  }

  /** `RandomHorizontalFlip`, or `RandomCrop: [32, { padding: 4 }]`; in the copy of a configuration `{ name: RandomCrop, args: [32, { padding: 4 }] }`. */
  transform(key: string, entry: unknown): TransformSpec {
    if (typeof entry === "string") {
      return { name: entry, args: [] };
    }
    if (isPlain(entry) && typeof entry.name === "string" && Array.isArray(entry.args)) {
      return { name: entry.name, args: entry.args };
    }
    const [pair, ...more] = isPlain(entry) ? Object.entries(entry) : [];
    if (pair === undefined || more.length > 0) {
      return this.fail(key, `must be a transform's name, or its name with arguments, got ${JSON.stringify(entry)}.`);
    }
    return { name: pair[0], args: Array.isArray(pair[1]) ? pair[1] : [pair[1]] };
  }

  raw(key: string): unknown {
    return this.#values[key];
  }

  /** Everything in here, as it is. */
  all(): HyperParameters {
    return this.#values as HyperParameters;
  }
}
