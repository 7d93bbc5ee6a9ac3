/** The few names of Python's own library that pickled data needs, and what they make. */
import type { Buildable, PickleValue, PythonName } from "./values.ts";

/** What a builtin may use of the machine. */
export interface BuiltinTools {
  /** Checks a key of a dict or member of a set and returns it. */
  key(value: PickleValue): PickleValue;
  /** Accounts for copying that many elements: a value that is remembered once can be copied often. */
  spend(elements: number): void;
  readonly buildable: Buildable;
}

type Builtin = (args: readonly PickleValue[], tools: BuiltinTools) => PickleValue;

/** bytes and bytearray in protocol 2: text whose characters are the bytes. */
function encode(text: PickleValue, encoding: PickleValue, { spend }: BuiltinTools): PickleValue {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) return undefined;
  spend(text.length);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

const set: Builtin = (args, tools) => {
  const [items = []] = args;
  if (args.length > 1 || !Array.isArray(items)) return undefined;
  tools.spend(items.length);
  return new Set(items.map(tools.key));
};

const orderedDict: Builtin = (args, tools) => {
  const dict = new Map<PickleValue, PickleValue>();
  tools.buildable.set(dict, "ignored");
  // Python 2 writes a list of pairs, Python 3 no argument.
  const [pairs = []] = args;
  if (args.length > 1 || !Array.isArray(pairs)) return undefined;
  tools.spend(pairs.length);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) return undefined;
    dict.set(tools.key(pair[0]), pair[1]);
  }
  return dict;
};

/** A defaultdict's factory is a name that stays unused. */
const defaultDict: Builtin = (args) => (args.length <= 1 ? new Map() : undefined);

const counter: Builtin = (args) => {
  const [counts = new Map()] = args;
  return args.length <= 1 && counts instanceof Map ? counts : undefined;
};

/** An object that is nothing but its attributes; BUILD brings them. */
const attributes: Builtin = (args, { buildable }) => {
  if (args.length !== 0) return undefined;
  const map = new Map<PickleValue, PickleValue>();
  buildable.set(map, "attributes");
  return map;
};

const bytes: Builtin = (args, tools) => {
  const [first] = args;
  if (args.length === 0) return new Uint8Array(0);
  if (args.length === 1 && first instanceof Uint8Array) return first;
  return args.length === 2 ? encode(first, args[1], tools) : undefined;
};

const inert: Builtin = () => undefined;

/** Protocols 0 to 2 use Python 2's name of the module with the built-in names. */
const builtinNames: Readonly<Record<string, Builtin>> = {
  set,
  frozenset: set,
  bytes,
  bytearray: bytes,
  // A defaultdict's usual factories.
  dict: inert,
  list: inert,
  int: inert,
  float: inert,
};

const builtins: ReadonlyMap<string, Builtin> = new Map([
  ...["__builtin__", "builtins"].flatMap((module) =>
    Object.entries(builtinNames).map(([name, builtin]): [string, Builtin] => [`${module}.${name}`, builtin]),
  ),
  ["_codecs.encode", (args, tools) => (args.length === 2 ? encode(args[0], args[1], tools) : undefined)],
  ["collections.OrderedDict", orderedDict],
  ["collections.defaultdict", defaultDict],
  ["collections.Counter", counter],
  ["argparse.Namespace", attributes],
]);

/** What `name` makes, or undefined when it is not one of Python's own that are known here. */
export function builtinOf(name: PythonName): Builtin | undefined {
  return builtins.get(name.toString());
}

/** For the vocabulary: Lightning's AttributeDict, a dict whose entries also count as attributes. */
export const makeAttributes: Builtin = attributes;
