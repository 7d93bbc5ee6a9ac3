/**
 * An interpreter of Python's pickle format, protocols 2 to 5, that makes data and nothing else.
 *
 * A pickle is a program. This machine has the instructions that Python's own pickler writes for data; those that only a
 * hand-made file would contain (INST, OBJ, EXT, ...) are refused, and so are instructions applied to the wrong type:
 * SETITEM on something that is not a dict corrupted memory in torch's own safe mode (CVE-2026-24747). There is no second,
 * weaker reader to fall back to: the tar container, which torch 2.6 closed to its safe mode (CVE-2025-32434), is not read.
 *
 * Bounded: every instruction consumes at least one byte and takes constant time beyond what it reads; memory is bounded by
 * the bytes read; what comes out is a tree of limited depth without cycles (see `check.ts`).
 *
 * Source: the comments of CPython's Lib/pickletools.py, which define the format.
 */
import { type ByteReader, quote } from "../byte-reader.ts";
import type { CheckpointError } from "../error.ts";
import { type BuiltinTools, builtinOf } from "./builtins.ts";
import { checkStructure, defaultMaxContainers } from "./check.ts";
import { op, refused } from "./opcodes.ts";
import { decodeInteger, decodeOldText, decodeText } from "./scalars.ts";
import { PickleRefusal, type PickleValue, type PickleVocabulary, PythonName } from "./values.ts";

/** No integer of a checkpoint is near this; converting one takes more than linear time. */
const maxIntegerBytes = 256;

/** Longest `module.name` of a GLOBAL. */
const maxNameBytes = 256;

/**
 * Keys of a dict that are neither text nor small integers. JavaScript hashes numbers without a seed, so a file could choose
 * many that collide: so many take a second at worst. Of the small integers too few collide to matter.
 */
const maxOddKeys = 1 << 14;
const maxSmallKey = 1 << 24;

/** CPython's pickler numbers its memo without gaps; some leave a few. */
const maxMemoGap = 1024;

/**
 * An empty Map takes some 200 bytes of memory and one of the file, an empty array a third of that: of the containers that a
 * pickle may have, one in so many may be a dict or a set.
 */
const containersToOneMap = 4;

/** How many bytes may be copied for each byte of the pickle: two NumPy conversions of a value, of one byte to four. */
const copiesOfByte = 8;

/**
 * Interprets one pickle and leaves the reader behind its STOP.
 *
 * @param containers how many lists, tuples, dicts and sets it may hold
 * @throws CheckpointError naming the place, for anything that is not plain data
 */
export function unpickle(
  reader: ByteReader,
  vocabulary: PickleVocabulary,
  containers = defaultMaxContainers,
): PickleValue {
  return new Machine(reader, vocabulary, containers).run();
}

class Machine {
  readonly #reader: ByteReader;
  readonly #vocabulary: PickleVocabulary;
  readonly #maxContainers: number;
  readonly #memo: PickleValue[] = [];
  readonly #marks: number[] = [];
  #stack: PickleValue[] = [];
  /** Where the current instruction begins. */
  #at = 0;
  #oddKeys = 0;
  #maps = 0;
  #spent = 0;
  readonly #start: number;
  readonly #tools: BuiltinTools = {
    key: (value) => this.#key(value),
    spend: (elements) => this.#spend(elements),
    buildable: new WeakMap(),
  };

  constructor(reader: ByteReader, vocabulary: PickleVocabulary, maxContainers: number) {
    this.#reader = reader;
    this.#vocabulary = vocabulary;
    this.#maxContainers = maxContainers;
    this.#start = reader.offset;
  }

  run(): PickleValue {
    const reader = this.#reader;
    const start = this.#start;
    if (reader.uint8("a pickle") !== op.proto) {
      throw reader.error("malformed", "this is not a pickle of protocol 2 or later", start);
    }
    const protocol = reader.uint8("a pickle's protocol");
    if (protocol < 2 || protocol > 5) {
      throw reader.error("unsupported", `pickle protocol ${protocol} is not read here, only 2 to 5`, start);
    }
    for (;;) {
      this.#at = reader.offset;
      const code = reader.uint8("a pickle");
      if (code === op.stop) {
        break;
      }
      try {
        this.#step(code);
      } catch (error) {
        if (error instanceof PickleRefusal) {
          throw this.#error(error.reason, error.message);
        }
        throw error;
      }
    }
    if (this.#stack.length !== 1 || this.#marks.length !== 0) {
      throw this.#error("malformed", `the pickle ends with ${this.#stack.length} values instead of one`);
    }
    const [value] = this.#stack;
    checkStructure(value, reader.offset - start, this.#maxContainers, (message) => this.#error("limit", message));
    return value;
  }

  #error(reason: CheckpointError["reason"], detail: string): CheckpointError {
    return this.#reader.error(reason, detail, this.#at);
  }

  /** The number of values above the innermost mark is what an instruction may take. */
  #floor(): number {
    return this.#marks.at(-1) ?? 0;
  }

  #pop(): PickleValue {
    if (this.#stack.length <= this.#floor()) {
      throw this.#error("malformed", "the pickle takes more values than it made");
    }
    return this.#stack.pop();
  }

  #top(): PickleValue {
    if (this.#stack.length <= this.#floor()) {
      throw this.#error("malformed", "the pickle uses a value that it did not make");
    }
    return this.#stack.at(-1);
  }

  #popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) {
      throw this.#error("malformed", "the pickle refers to a mark that it did not set");
    }
    return this.#stack.splice(mark);
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Pushes a value that may be a new dict or set, of which there are only so many. */
  #pushNew(value: PickleValue): void {
    if (value instanceof Map || value instanceof Set) {
      this.#maps++;
      const limit = Math.floor(this.#maxContainers / containersToOneMap);
      if (this.#maps > limit) {
        const advice = `the option maxContainers, now ${this.#maxContainers}, allows one for every ${containersToOneMap}`;
        throw this.#error("limit", `the pickle has more than ${limit} dicts and sets; ${advice}`);
      }
    }
    this.#stack.push(value);
  }

  #step(code: number): void {
    const reader = this.#reader;
    switch (code) {
      case op.mark:
        this.#marks.push(this.#stack.length);
        break;
      case op.pop:
        // Python lets POP take a mark as well.
        if (this.#stack.length === this.#marks.at(-1)) {
          this.#marks.pop();
        } else {
          this.#pop();
        }
        break;
      case op.popMark:
        this.#popToMark();
        break;
      case op.proto:
        throw this.#error("malformed", "the protocol is declared twice");
      case op.frame: {
        const length = reader.uint64("a frame's length");
        if (length > reader.remaining) {
          throw this.#error("truncated", `a frame of ${length} bytes is longer than the file`);
        }
        break;
      }

      case op.none:
        this.#push(null);
        break;
      case op.newtrue:
        this.#push(true);
        break;
      case op.newfalse:
        this.#push(false);
        break;
      case op.binint:
        this.#push(reader.int32("an integer"));
        break;
      case op.binint1:
        this.#push(reader.uint8("an integer"));
        break;
      case op.binint2:
        this.#push(reader.uint16("an integer"));
        break;
      case op.long1:
        this.#push(this.#integer(reader.uint8("an integer's length")));
        break;
      case op.long4:
        this.#push(this.#integer(reader.uint32("an integer's length")));
        break;
      case op.binfloat:
        this.#push(reader.float64BigEndian("a float"));
        break;

      case op.shortBinunicode:
        this.#push(this.#text(reader.uint8("a string's length")));
        break;
      case op.binunicode:
        this.#push(this.#text(reader.uint32("a string's length")));
        break;
      case op.binunicode8:
        this.#push(this.#text(reader.uint64("a string's length")));
        break;

      case op.shortBinstring:
        this.#push(this.#oldText(reader.uint8("a string's length")));
        break;
      case op.binstring:
        this.#push(this.#oldText(reader.uint32("a string's length")));
        break;
      case op.shortBinbytes:
        this.#push(this.#bytes(reader.uint8("a bytes object's length")));
        break;
      case op.binbytes:
        this.#push(this.#bytes(reader.uint32("a bytes object's length")));
        break;
      case op.binbytes8:
      case op.bytearray8:
        this.#push(this.#bytes(reader.uint64("a bytes object's length")));
        break;

      case op.emptyList:
        this.#push([]);
        break;
      case op.append: {
        const value = this.#pop();
        this.#list().push(value);
        break;
      }
      case op.appends: {
        const values = this.#popToMark();
        const list = this.#list();
        for (const value of values) {
          list.push(value);
        }
        break;
      }

      case op.emptyTuple:
        this.#push(Object.freeze([]));
        break;
      case op.tuple:
        this.#push(Object.freeze(this.#popToMark()));
        break;
      case op.tuple1:
        this.#push(Object.freeze([this.#pop()]));
        break;
      case op.tuple2: {
        const second = this.#pop();
        this.#push(Object.freeze([this.#pop(), second]));
        break;
      }
      case op.tuple3: {
        const third = this.#pop();
        const second = this.#pop();
        this.#push(Object.freeze([this.#pop(), second, third]));
        break;
      }

      case op.emptyDict:
        this.#pushNew(new Map());
        break;
      case op.setitem: {
        const value = this.#pop();
        const key = this.#pop();
        this.#dict("SETITEM").set(this.#key(key), value);
        break;
      }
      case op.setitems: {
        const items = this.#popToMark();
        if (items.length % 2 !== 0) {
          throw this.#error("malformed", "a dict is given a key without a value");
        }
        const dict = this.#dict("SETITEMS");
        for (let i = 0; i < items.length; i += 2) {
          dict.set(this.#key(items[i]), items[i + 1]);
        }
        break;
      }

      case op.emptySet:
        this.#pushNew(new Set());
        break;
      case op.additems: {
        const items = this.#popToMark();
        const set = this.#top();
        if (!(set instanceof Set)) {
          throw this.#error("forbidden", "ADDITEMS is applied to something that is not a set");
        }
        for (const item of items) {
          set.add(this.#key(item));
        }
        break;
      }
      case op.frozenset:
        this.#pushNew(new Set(this.#popToMark().map(this.#tools.key)));
        break;

      case op.binget:
        this.#push(this.#recall(reader.uint8("a memo index")));
        break;
      case op.longBinget:
        this.#push(this.#recall(reader.uint32("a memo index")));
        break;
      case op.binput:
        this.#remember(reader.uint8("a memo index"));
        break;
      case op.longBinput:
        this.#remember(reader.uint32("a memo index"));
        break;
      case op.memoize:
        this.#remember(this.#memo.length);
        break;

      case op.global: {
        const module = this.#line();
        this.#push(this.#name(module, this.#line()));
        break;
      }
      case op.stackGlobal: {
        const name = this.#pop();
        const module = this.#pop();
        if (typeof name !== "string" || typeof module !== "string") {
          throw this.#error("malformed", "STACK_GLOBAL is given something that is not a pair of strings");
        }
        this.#push(this.#name(module, name));
        break;
      }
      case op.reduce:
      case op.newobj: {
        const args = this.#pop();
        const callee = this.#pop();
        const instruction = code === op.reduce ? "REDUCE" : "NEWOBJ";
        if (!(callee instanceof PythonName)) {
          throw this.#error("forbidden", `${instruction} is applied to something that is not a name`);
        }
        if (!Array.isArray(args) || !Object.isFrozen(args)) {
          throw this.#error("malformed", `the arguments of ${callee} are not a tuple`);
        }
        const value = this.#call(callee, args);
        if (value === undefined) {
          throw this.#error("forbidden", `${callee} is used in a way that checkpoints have no need of`);
        }
        this.#pushNew(value);
        break;
      }
      case op.build:
        this.#build(this.#pop());
        break;
      case op.binpersid:
        this.#push(this.#vocabulary.persistent(this.#pop()));
        break;

      default: {
        const known = refused[code];
        if (known !== undefined) {
          throw this.#error("forbidden", `the pickle contains the instruction ${known}, which torch never writes`);
        }
        throw this.#error(
          "malformed",
          `byte 0x${code.toString(16).padStart(2, "0")} is not an instruction of a pickle`,
        );
      }
    }
  }

  #integer(length: number): number | bigint {
    if (length > maxIntegerBytes) {
      throw this.#error(
        "limit",
        `the pickle contains an integer of ${length} bytes; at most ${maxIntegerBytes} are read`,
      );
    }
    return decodeInteger(this.#reader.slice(length, "an integer"));
  }

  #text(length: number): string {
    const text = decodeText(this.#reader.slice(length, "a string"));
    if (text === undefined) {
      throw this.#error("malformed", "a string is not valid UTF-8");
    }
    return text;
  }

  #oldText(length: number): string {
    return decodeOldText(this.#reader.slice(length, "a string"));
  }

  #bytes(length: number): Uint8Array {
    return new Uint8Array(this.#reader.slice(length, "a bytes object"));
  }

  /** Up to a line feed, which is not part of it. */
  #line(): string {
    const reader = this.#reader;
    const limit = Math.min(reader.end, reader.offset + maxNameBytes);
    const end = reader.bytes.subarray(reader.offset, limit).indexOf(0x0a);
    if (end === -1) {
      if (limit === reader.end) {
        throw this.#error("truncated", "the file ends within a name");
      }
      throw this.#error("limit", `the pickle contains a name of more than ${maxNameBytes} bytes`);
    }
    const text = this.#text(end);
    reader.take(1, "a name");
    return text;
  }

  #name(module: string, name: string): PythonName {
    const value = new PythonName(module, name);
    if (builtinOf(value) === undefined && !this.#vocabulary.allows(value)) {
      const known = this.#vocabulary.refusal?.(value);
      if (known !== undefined) {
        throw known;
      }
      throw this.#error(
        "forbidden",
        `the pickle refers to ${quote(`${module}.${name}`)}, which is not among the names that a checkpoint may contain; save state dicts, not objects`,
      );
    }
    return value;
  }

  #call(callee: PythonName, args: readonly PickleValue[]): PickleValue {
    const builtin = builtinOf(callee);
    if (builtin !== undefined) {
      return builtin(args, this.#tools);
    }
    return this.#vocabulary.call(callee, args, this.#tools.buildable);
  }

  #list(): PickleValue[] {
    const list = this.#top();
    if (!Array.isArray(list) || Object.isFrozen(list)) {
      throw this.#error("forbidden", "APPEND is applied to something that is not a list");
    }
    return list;
  }

  #dict(instruction: string): Map<PickleValue, PickleValue> {
    const dict = this.#top();
    if (!(dict instanceof Map)) {
      throw this.#error("forbidden", `${instruction} is applied to something that is not a dict`);
    }
    return dict;
  }

  /** A key of a dict or member of a set: what Python lets be one. Tuples, bytes and frozen sets are not compared by value. */
  #key(key: PickleValue): PickleValue {
    if (typeof key === "string" || typeof key === "boolean" || key === null) {
      return key;
    }
    if (typeof key === "number" && Number.isInteger(key) && key >= 0 && key < maxSmallKey) {
      return key;
    }
    if (typeof key === "number" || typeof key === "bigint") {
      this.#oddKeys++;
      if (this.#oddKeys > maxOddKeys) {
        throw this.#error("limit", `the pickle has more than ${maxOddKeys} keys that are unusual numbers`);
      }
      return key;
    }
    const isFixed = Array.isArray(key) ? Object.isFrozen(key) : key instanceof Set || key instanceof Uint8Array;
    if (isFixed || key instanceof PythonName) {
      return key;
    }
    throw this.#error("unsupported", "a key of a dict or member of a set is something that can change");
  }

  #recall(index: number): PickleValue {
    if (!(index in this.#memo)) {
      throw this.#error("malformed", `the pickle recalls value ${index}, which it did not remember`);
    }
    return this.#memo[index];
  }

  #remember(index: number): void {
    if (index > this.#memo.length + maxMemoGap) {
      throw this.#error("limit", `the pickle remembers value ${index} after only ${this.#memo.length}`);
    }
    this.#memo[index] = this.#top();
  }

  #build(state: PickleValue): void {
    const target = this.#top();
    const kind = typeof target === "object" && target !== null ? this.#tools.buildable.get(target) : undefined;
    if (kind === undefined) {
      throw this.#error("forbidden", "BUILD is applied to something that has no attributes");
    }
    if (typeof kind === "function") {
      kind(state);
      return;
    }
    if (state === null) {
      return;
    }
    if (!(state instanceof Map)) {
      throw this.#error("forbidden", "the state that BUILD is given is not a dict");
    }
    // An OrderedDict's attributes (a state dict's _metadata) are not part of its content.
    if (kind === "ignored") {
      return;
    }
    this.#spend(state.size);
    for (const [key, value] of state) {
      if (typeof key !== "string") {
        throw this.#error("malformed", "an attribute's name is not text");
      }
      (target as Map<PickleValue, PickleValue>).set(key, value);
    }
  }

  /** What is copied was read before, once; a file that makes us copy more than it holds repeats itself to waste our time. */
  #spend(elements: number): void {
    this.#spent += elements;
    if (this.#spent > copiesOfByte * (this.#reader.offset - this.#start)) {
      throw this.#error("limit", "the pickle copies the same values again and again");
    }
  }
}
