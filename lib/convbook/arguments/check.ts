/** Checks of arguments, each a few comparisons: they return what they were given, or throw an error that names the argument. */
import { OptionError } from "./option-error.ts";

/** What an error names: how a layer is printed is worked out only then. */
interface Printable {
  toString(): string;
}

/** A whole number that is at least `minimum`, or an error that names the option. */
export function checkInteger(owner: Printable, option: string, value: unknown, minimum: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < minimum) {
    throw new OptionError(`${owner}`, option, value, `a whole number of at least ${minimum}`);
  }
  return value;
}

/**
 * Counts and widths by name: whole numbers of at least 1.
 *
 * @throws {OptionError} naming the first that is none
 */
export function checkSizes(owner: Printable, sizes: Readonly<Record<string, unknown>>): void {
  for (const [name, size] of Object.entries(sizes)) {
    checkInteger(owner, name, size, 1);
  }
}

/** Lists of {@link checkSizes}, none of them empty. */
export function checkSizeLists(owner: Printable, lists: Readonly<Record<string, unknown>>): void {
  for (const [name, list] of Object.entries(lists)) {
    if (!Array.isArray(list) || list.length === 0) {
      throw new OptionError(`${owner}`, name, list, "a list of at least one whole number");
    }
    for (const [i, size] of list.entries()) {
      checkInteger(owner, `${name}[${i}]`, size, 1);
    }
  }
}

/** A finite number in [minimum, maximum], or an error that names the option. */
export function checkNumber(
  owner: Printable,
  option: string,
  value: unknown,
  minimum = Number.NEGATIVE_INFINITY,
  maximum = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < minimum || value > maximum) {
    const range =
      maximum !== Number.POSITIVE_INFINITY
        ? `a number from ${minimum} to ${maximum}`
        : minimum === Number.NEGATIVE_INFINITY
          ? "a finite number"
          : `a number of at least ${minimum}`;
    throw new OptionError(`${owner}`, option, value, range);
  }
  return value;
}

/** Whether a value is a number from `minimum` to `maximum`: comparisons alone also hold for null and for texts. */
export function isNumber(
  value: unknown,
  minimum = Number.NEGATIVE_INFINITY,
  maximum = Number.POSITIVE_INFINITY,
): value is number {
  return typeof value === "number" && value >= minimum && value <= maximum;
}

/** A text that is not empty, or an error that names the argument. */
export function checkText(owner: Printable, option: string, value: unknown, expected = "a string"): string {
  if (typeof value !== "string" || value === "") {
    throw new OptionError(`${owner}`, option, value, expected);
  }
  return value;
}

/** A function, or an error that names the argument. */
export function checkFunction(owner: Printable, option: string, value: unknown): void {
  if (typeof value !== "function") {
    throw new OptionError(`${owner}`, option, value, "a function");
  }
}

/** Something that random numbers can be drawn from, or an error that names the option. */
export function checkGenerator(owner: Printable, generator: { random(): number }): void {
  if (typeof generator?.random !== "function") {
    throw new OptionError(`${owner}`, "generator", generator, "a Generator");
  }
}

/** A list of things: an array or typed array; an error that names the argument otherwise. */
export function checkList(owner: Printable, option: string, value: unknown, expected = "a list"): void {
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && "length" in value)) {
    throw new OptionError(`${owner}`, option, value, expected);
  }
}

/** A list of strings, or an error that names the argument. */
export function checkNames(owner: Printable, option: string, value: unknown): void {
  if (!Array.isArray(value) || value.some((name) => typeof name !== "string")) {
    throw new OptionError(`${owner}`, option, value, "a list of strings");
  }
}

/** What {@link shapeOf} and {@link shapeOfNumbers} look at. */
interface TensorLike {
  readonly shape: number[];
  readonly dtype: string;
}

/**
 * The shape of a tensor of float32, or an error that names the argument: what every layer asks of its input before anything else. Kernels would compute with
 * other types in ways of their own, round to whole numbers for example.
 */
export function shapeOf(owner: Printable, tensor: TensorLike, argument = "the input"): number[] {
  const shape = shapeOfAny(owner, tensor, argument);
  if (tensor.dtype !== "float32") {
    throw new OptionError(`${owner}`, argument, tensor, 'a tensor of float32 (tf.cast(x, "float32") makes one)');
  }
  return shape;
}

/** The shape of a tensor of numbers, or of true and false, or an error that names the argument: for class indices, and other targets. */
export function shapeOfNumbers(owner: Printable, tensor: TensorLike, argument: string): number[] {
  const shape = shapeOfAny(owner, tensor, argument);
  if (tensor.dtype !== "float32" && tensor.dtype !== "int32" && tensor.dtype !== "bool") {
    throw new OptionError(`${owner}`, argument, tensor, "a tensor of float32, int32 or bool");
  }
  return shape;
}

/** The shape of a tensor of any type, or an error that names the argument: for what moves elements about, and does not compute. */
export function shapeOfAny(owner: Printable, tensor: TensorLike, argument = "the input"): number[] {
  const shape: unknown = tensor?.shape;
  if (!Array.isArray(shape)) {
    throw new OptionError(`${owner}`, argument, tensor, "a tensor");
  }
  return shape;
}
