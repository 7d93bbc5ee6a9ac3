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
import type { ByteReader } from "../byte-reader.ts";
import type { CheckpointError } from "../error.ts";
import { checkStructure, defaultMaxContainers } from "./check.ts";
import { asDict, asList, asSet } from "./containers.ts";
import { PickleObjects } from "./objects.ts";
import { op, refused } from "./opcodes.ts";
import { readBytes, readInteger, readLine, readOldText, readText } from "./operands.ts";
import { PickleStack } from "./stack.ts";
import { PickleRefusal, type PickleValue, type PickleVocabulary } from "./values.ts";

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
  readonly #stack = new PickleStack();
  readonly #objects: PickleObjects;
  readonly #oldStringsAreText: boolean;
  /** Where the current instruction begins. */
  #at = 0;

  constructor(reader: ByteReader, vocabulary: PickleVocabulary, maxContainers: number) {
    this.#reader = reader;
    this.#vocabulary = vocabulary;
    this.#maxContainers = maxContainers;
    this.#objects = new PickleObjects(reader, vocabulary, maxContainers);
    this.#oldStringsAreText = vocabulary.oldStrings !== "latin1";
  }

  run(): PickleValue {
    const reader = this.#reader;
    const start = reader.offset;
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
    if (this.#stack.length !== 1 || this.#stack.hasMarks) {
      throw this.#error("malformed", `the pickle ends with ${this.#stack.length} values instead of one`);
    }
    const value = this.#stack.pop();
    checkStructure(value, reader.offset - start, this.#maxContainers, (message) => this.#error("limit", message));
    return value;
  }

  #error(reason: CheckpointError["reason"], detail: string): CheckpointError {
    return this.#reader.error(reason, detail, this.#at);
  }

  #step(code: number): void {
    const reader = this.#reader;
    const stack = this.#stack;
    const objects = this.#objects;
    switch (code) {
      case op.mark:
        stack.mark();
        break;
      case op.pop:
        stack.popValueOrMark();
        break;
      case op.popMark:
        stack.popToMark();
        break;
      case op.proto:
        throw new PickleRefusal("malformed", "the protocol is declared twice");
      case op.frame: {
        const length = reader.uint64("a frame's length");
        if (length > reader.remaining) {
          throw new PickleRefusal("truncated", `a frame of ${length} bytes is longer than the file`);
        }
        break;
      }

      case op.none:
        stack.push(null);
        break;
      case op.newtrue:
        stack.push(true);
        break;
      case op.newfalse:
        stack.push(false);
        break;
      case op.binint:
        stack.push(reader.int32("an integer"));
        break;
      case op.binint1:
        stack.push(reader.uint8("an integer"));
        break;
      case op.binint2:
        stack.push(reader.uint16("an integer"));
        break;
      case op.long1:
        stack.push(readInteger(reader, reader.uint8("an integer's length")));
        break;
      case op.long4:
        stack.push(readInteger(reader, reader.uint32("an integer's length")));
        break;
      case op.binfloat:
        stack.push(reader.float64BigEndian("a float"));
        break;

      case op.shortBinunicode:
        stack.push(readText(reader, reader.uint8("a string's length")));
        break;
      case op.binunicode:
        stack.push(readText(reader, reader.uint32("a string's length")));
        break;
      case op.binunicode8:
        stack.push(readText(reader, reader.uint64("a string's length")));
        break;

      case op.shortBinstring:
        stack.push(readOldText(reader, reader.uint8("a string's length"), this.#oldStringsAreText));
        break;
      case op.binstring:
        stack.push(readOldText(reader, reader.uint32("a string's length"), this.#oldStringsAreText));
        break;
      case op.shortBinbytes:
        stack.push(readBytes(reader, reader.uint8("a bytes object's length")));
        break;
      case op.binbytes:
        stack.push(readBytes(reader, reader.uint32("a bytes object's length")));
        break;
      case op.binbytes8:
      case op.bytearray8:
        stack.push(readBytes(reader, reader.uint64("a bytes object's length")));
        break;

      case op.emptyList:
        stack.push([]);
        break;
      case op.append: {
        const value = stack.pop();
        asList(stack.top()).push(value);
        break;
      }
      case op.appends: {
        const values = stack.popToMark();
        const list = asList(stack.top());
        for (const value of values) {
          list.push(value);
        }
        break;
      }

      case op.emptyTuple:
        stack.push(Object.freeze([]));
        break;
      case op.tuple:
        stack.push(Object.freeze(stack.popToMark()));
        break;
      case op.tuple1:
        stack.push(Object.freeze([stack.pop()]));
        break;
      case op.tuple2: {
        const second = stack.pop();
        stack.push(Object.freeze([stack.pop(), second]));
        break;
      }
      case op.tuple3: {
        const third = stack.pop();
        const second = stack.pop();
        stack.push(Object.freeze([stack.pop(), second, third]));
        break;
      }

      case op.emptyDict:
        stack.push(objects.counted(new Map()));
        break;
      case op.setitem: {
        const value = stack.pop();
        const key = stack.pop();
        asDict(stack.top(), "SETITEM").set(objects.key(key), value);
        break;
      }
      case op.setitems: {
        const items = stack.popToMark();
        if (items.length % 2 !== 0) {
          throw new PickleRefusal("malformed", "a dict is given a key without a value");
        }
        const dict = asDict(stack.top(), "SETITEMS");
        for (let i = 0; i < items.length; i += 2) {
          dict.set(objects.key(items[i]), items[i + 1]);
        }
        break;
      }

      case op.emptySet:
        stack.push(objects.counted(new Set()));
        break;
      case op.additems: {
        const items = stack.popToMark();
        const set = asSet(stack.top());
        for (const item of items) {
          set.add(objects.key(item));
        }
        break;
      }
      case op.frozenset:
        stack.push(objects.counted(new Set(stack.popToMark().map((item) => objects.key(item)))));
        break;

      case op.binget:
        stack.push(stack.recall(reader.uint8("a memo index")));
        break;
      case op.longBinget:
        stack.push(stack.recall(reader.uint32("a memo index")));
        break;
      case op.binput:
        stack.remember(reader.uint8("a memo index"));
        break;
      case op.longBinput:
        stack.remember(reader.uint32("a memo index"));
        break;
      case op.memoize:
        stack.remember(stack.remembered);
        break;

      case op.global: {
        const module = readLine(reader);
        stack.push(objects.name(module, readLine(reader)));
        break;
      }
      case op.stackGlobal: {
        const name = stack.pop();
        const module = stack.pop();
        if (typeof name !== "string" || typeof module !== "string") {
          throw new PickleRefusal("malformed", "STACK_GLOBAL is given something that is not a pair of strings");
        }
        stack.push(objects.name(module, name));
        break;
      }
      case op.reduce:
      case op.newobj: {
        const args = stack.pop();
        const callee = stack.pop();
        stack.push(objects.make(code === op.reduce ? "REDUCE" : "NEWOBJ", callee, args));
        break;
      }
      case op.build: {
        const state = stack.pop();
        objects.build(stack.top(), state);
        break;
      }
      case op.binpersid:
        stack.push(this.#vocabulary.persistent(stack.pop()));
        break;

      default: {
        const known = refused[code];
        if (known !== undefined) {
          throw new PickleRefusal(
            "forbidden",
            `the pickle contains the instruction ${known}, which torch never writes`,
          );
        }
        throw new PickleRefusal(
          "malformed",
          `byte 0x${code.toString(16).padStart(2, "0")} is not an instruction of a pickle`,
        );
      }
    }
  }
}
