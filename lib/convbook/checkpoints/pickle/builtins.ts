/** The few names of Python's own library that pickled data needs, and what they make. */
import { numpyBuiltins } from "./numpy.ts";
import { standardLibrary } from "./standard-library.ts";
import { type Buildable, isCount, PickleRefusal, type PickleValue, PythonName } from "./values.ts";

/** What a builtin may use of the machine. */
export interface BuiltinTools {
  /** Checks a key of a dict or member of a set and returns it. */
  key(value: PickleValue): PickleValue;
  /** Accounts for copying that many elements: a value that is remembered once can be copied often. */
  spend(elements: number): void;
  readonly buildable: Buildable;
}

/** What a name makes of its arguments; undefined when it cannot. */
export type Builtin = (args: readonly PickleValue[], tools: BuiltinTools) => PickleValue;

/** bytes and bytearray in protocol 2: text whose characters are the bytes. */
function encode(text: PickleValue, encoding: PickleValue, { spend }: BuiltinTools): PickleValue {
  if (typeof text !== "string" || (encoding !== "latin1" && encoding !== "latin-1")) {
    return undefined;
  }
  spend(text.length);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255) {
      return undefined;
    }
    bytes[i] = code;
  }
  return bytes;
}

const set: Builtin = (args, tools) => {
  const [items = []] = args;
  if (args.length > 1 || !Array.isArray(items)) {
    return undefined;
  }
  tools.spend(items.length);
  return new Set(items.map(tools.key));
};

const orderedDict: Builtin = (args, tools) => {
  const dict = new Map<PickleValue, PickleValue>();
  tools.buildable.set(dict, "ignored");
  // Python 2 writes a list of pairs, Python 3 no argument.
  const [pairs = []] = args;
  if (args.length > 1 || !Array.isArray(pairs)) {
    return undefined;
  }
  tools.spend(pairs.length);
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2) {
      return undefined;
    }
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
  if (args.length !== 0) {
    return undefined;
  }
  const map = new Map<PickleValue, PickleValue>();
  buildable.set(map, "attributes");
  return map;
};

const bytes: Builtin = (args, tools) => {
  const [first] = args;
  if (args.length === 0) {
    return new Uint8Array(0);
  }
  if (args.length === 1 && first instanceof Uint8Array) {
    return first;
  }
  return args.length === 2 ? encode(first, args[1], tools) : undefined;
};

/** A list for us: that it drops what is too much for its length is of no interest once it is saved. */
const deque: Builtin = (args, { spend }) => {
  const [items = [], length = null] = args;
  const hasLength = length === null || isCount(length);
  if (args.length > 2 || !Array.isArray(items) || !hasLength) {
    return undefined;
  }
  spend(items.length);
  return [...items];
};

/** `type(None)` and its like, which Python has no names for. */
const type: Builtin = (args) =>
  args.length === 1 && args[0] === null ? new PythonName("types", "NoneType") : undefined;

/** PyTorch's OneCycleLR keeps a function of its class in its state. It is never called: only its name remains. */
const getattr: Builtin = (args) => {
  const [owner, name] = args;
  const isScheduler = owner instanceof PythonName && owner.module === "torch.optim.lr_scheduler";
  if (args.length === 2 && isScheduler && typeof name === "string" && /^_annealing_[a-z]+$/.test(name)) {
    return new PythonName(owner.module, `${owner.name}.${name}`);
  }
  throw new PickleRefusal("forbidden", 'the pickle uses "builtins.getattr", which could reach anything');
};

const inert: Builtin = () => undefined;

/** Names of types: as the factory of a defaultdict, or as data. */
const typeNames = ["int", "long", "float", "complex", "bool", "str", "unicode", "list", "tuple", "dict", "object"];

/** Protocols 0 to 2 use Python 2's name of the module with the built-in names. */
const builtinNames: Readonly<Record<string, Builtin>> = {
  set,
  frozenset: set,
  bytes,
  bytearray: bytes,
  type,
  getattr,
  Ellipsis: inert,
  NotImplemented: inert,
  ...Object.fromEntries(typeNames.map((name) => [name, inert])),
};

const builtins: ReadonlyMap<string, Builtin> = new Map([
  ...["__builtin__", "builtins"].flatMap((module) =>
    Object.entries(builtinNames).map(([name, builtin]): [string, Builtin] => [`${module}.${name}`, builtin]),
  ),
  ["_codecs.encode", (args, tools) => (args.length === 2 ? encode(args[0], args[1], tools) : undefined)],
  ["collections.OrderedDict", orderedDict],
  ["collections.defaultdict", defaultDict],
  ["collections.Counter", counter],
  ["collections.deque", deque],
  ["argparse.Namespace", attributes],
  ["types.SimpleNamespace", attributes],
  ["uuid.UUID", attributes],
  ...standardLibrary,
  ...numpyBuiltins,
]);

/** What `name` makes, or undefined when it is not one of Python's own that are known here. */
export function builtinOf(name: PythonName): Builtin | undefined {
  return builtins.get(name.toString());
}

/** For the vocabulary: Lightning's AttributeDict, a dict whose entries also count as attributes. */
export const makeAttributes: Builtin = attributes;
