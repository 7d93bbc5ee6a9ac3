/** torch's storages, and tensors as views of them: everything that a file says about them is checked before it is used. */

import { found } from "../../arguments/found.ts";
import type { TensorArrays, TensorData, TensorDType } from "../../tensor-data.ts";
import { quote } from "../byte-reader.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "../float16.ts";
import { isCount, PickleRefusal, type PickleValue, PythonName } from "../pickle/values.ts";
import { isContiguous, rowMajor } from "../strides.ts";
import { alignedBytes, decodeElements, elementBytes, type Sharing } from "../tensor-bytes.ts";

/** A kind of storage: how many bytes an element takes, what it is read as, and how. */
interface StorageKind {
  readonly elementBytes: number;
  readonly dtype: TensorDType;
  /** @param bytes the storage's content, little-endian */
  decode(bytes: Uint8Array, sharing: Sharing): TensorArrays[TensorDType];
}

function plain(dtype: TensorDType): StorageKind {
  return {
    elementBytes: elementBytes[dtype],
    dtype,
    decode: (bytes, sharing) => decodeElements(dtype, bytes, sharing),
  };
}

/** Types of torch 2.3 that we have no element type for: widened to the next one. */
function unsigned(bytes: 2 | 4 | 8): StorageKind {
  const dtype = bytes === 2 ? "int32" : "int64";
  const decode = (content: Uint8Array): TensorArrays[TensorDType] => {
    const { buffer } = alignedBytes(content, bytes, "copy");
    if (bytes === 2) {
      return Int32Array.from(new Uint16Array(buffer));
    }
    if (bytes === 4) {
      return BigInt64Array.from(new Uint32Array(buffer), BigInt);
    }
    const values = new BigInt64Array(buffer as ArrayBuffer);
    if (values.some((value) => value < 0n)) {
      throw new PickleRefusal(
        "unsupported",
        "a tensor of uint64 holds a number that int64 cannot; in Python, save tensor.view(torch.int64)",
      );
    }
    return values;
  };
  return { elementBytes: bytes, dtype, decode };
}

function half(widen: (bits: Uint16Array) => Float32Array<ArrayBuffer>): StorageKind {
  return { elementBytes: 2, dtype: "float32", decode: (bytes) => widen(new Uint16Array(new Uint8Array(bytes).buffer)) };
}

/** By the names that torch gives its storage classes. */
const storageKinds: ReadonlyMap<string, StorageKind> = new Map([
  ["FloatStorage", plain("float32")],
  ["DoubleStorage", plain("float64")],
  ["HalfStorage", half(float16ToFloat32)],
  ["BFloat16Storage", half(bfloat16ToFloat32)],
  ["LongStorage", plain("int64")],
  ["IntStorage", plain("int32")],
  ["ShortStorage", plain("int16")],
  ["CharStorage", plain("int8")],
  ["ByteStorage", plain("uint8")],
  ["BoolStorage", plain("bool")],
]);

/** Element types by torch's names, for storages that say nothing of their own. */
const kindOfDtype: ReadonlyMap<string, StorageKind> = new Map([
  ...[...storageKinds.values()].map((kind): [string, StorageKind] => [kind.dtype, kind]),
  ["float32", plain("float32")],
  ["float16", half(float16ToFloat32)],
  ["bfloat16", half(bfloat16ToFloat32)],
  ["uint16", unsigned(2)],
  ["uint32", unsigned(4)],
  ["uint64", unsigned(8)],
]);

/** A storage of bytes, whose tensors say what they are made of. */
const untypedName = "torch.storage.UntypedStorage";
const untyped = plain("uint8");

function kindOfStorage(type: PickleValue): StorageKind | undefined {
  if (!(type instanceof PythonName)) {
    return undefined;
  }
  if (type.toString() === untypedName) {
    return untyped;
  }
  return type.module === "torch" ? storageKinds.get(type.name) : undefined;
}

/** Whether torch has such a class of storages that is read here. */
export function isStorageName(name: PythonName): boolean {
  return kindOfStorage(name) !== undefined;
}

/** A storage that the pickle has declared; its bytes lie elsewhere in the file. */
export class StorageReference {
  readonly key: string;
  readonly type: string;
  readonly kind: StorageKind;
  /** Elements in the root storage, which the file holds. */
  readonly rootElements: number;
  /** The part of it that this one is (all of it, except for views in old files). */
  readonly offset: number;
  readonly elements: number;

  constructor(key: string, type: string, kind: StorageKind, rootElements: number, offset: number, elements: number) {
    this.key = key;
    this.type = type;
    this.kind = kind;
    this.rootElements = rootElements;
    this.offset = offset;
    this.elements = elements;
  }

  /** Bytes that the file must hold for the root storage. */
  get rootBytes(): number {
    return this.rootElements * this.kind.elementBytes;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface PendingTensor {
  readonly target: Mutable<TensorData>;
  readonly storage: StorageReference;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** torch's own limit. */
const maxRank = 64;

function isTuple(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

/** What a file may demand. */
export interface TorchLimits {
  /** Bytes that tensors may take which are not simple slices of a storage. */
  readonly copyBudget: number;
  /** Lists, tuples, dicts and sets. */
  readonly maxContainers?: number;
}

/** Collects the storages and tensors of one pickle, then gives the tensors their elements. */
export class TensorCollector {
  /** Root storages by key, in the order of their first mention. */
  readonly roots = new Map<string, StorageReference>();
  readonly #views = new Map<string, StorageReference>();
  /** What stands in the data for a storage: all its elements, as a tensor of one dimension. */
  readonly #references = new Map<object, StorageReference>();
  readonly #standIns = new Map<StorageReference, Mutable<TensorData>>();
  /** Storages of bytes as storages of elements. */
  readonly #casts = new Map<string, StorageReference>();
  readonly #pending: PendingTensor[] = [];
  readonly #tensors = new Set<object>();
  readonly #fileBytes: number;
  readonly #copyBudget: number;
  #declaredBytes = 0;
  #copiedBytes = 0;

  /**
   * @param fileBytes the file's length: storages cannot be larger in sum
   * @param copyBudget bytes that tensors may take which are not simple slices of a storage
   */
  constructor(fileBytes: number, copyBudget: number) {
    this.#fileBytes = fileBytes;
    this.#copyBudget = copyBudget;
  }

  isTensor(value: PickleValue): boolean {
    return typeof value === "object" && value !== null && this.#tensors.has(value);
  }

  /**
   * The value of a persistent id, `("storage", class, key, location, elements[, view])`: what it becomes where it is not made
   * into a tensor but kept itself, a tensor of all its elements.
   */
  declare(id: PickleValue): TensorData {
    const reference = this.#reference(id);
    let standIn = this.#standIns.get(reference);
    if (standIn === undefined) {
      const shape = Object.freeze([reference.elements]);
      standIn = { dtype: reference.kind.dtype, shape, data: emptyArray } as unknown as Mutable<TensorData>;
      this.#standIns.set(reference, standIn);
      this.#references.set(standIn, reference);
    }
    return standIn as TensorData;
  }

  #reference(id: PickleValue): StorageReference {
    if (!isTuple(id)) {
      throw new PickleRefusal("malformed", "a persistent id is not a tuple");
    }
    const [what, type, key, location, elements, view = null] = id;
    if (what !== "storage") {
      const given = typeof what === "string" ? quote(what) : "something else";
      throw new PickleRefusal("forbidden", `a persistent id stands for ${given}, not for a storage`);
    }
    if (
      id.length < 5 ||
      id.length > 6 ||
      typeof key !== "string" ||
      typeof location !== "string" ||
      !isCount(elements)
    ) {
      throw new PickleRefusal(
        "malformed",
        "a storage is not declared by its class, key, location and number of elements",
      );
    }
    const storageKind = kindOfStorage(type);
    if (storageKind === undefined || !(type instanceof PythonName)) {
      throw new PickleRefusal("malformed", `storage ${quote(key)} has no class of storages`);
    }
    let root = this.roots.get(key);
    if (root === undefined) {
      root = new StorageReference(key, type.name, storageKind, elements, 0, elements);
      this.#declaredBytes += root.rootBytes;
      if (this.#declaredBytes > this.#fileBytes) {
        throw new PickleRefusal(
          "truncated",
          `storage ${quote(key)} is declared with ${elements} elements (${root.rootBytes} bytes); the file has ${this.#fileBytes} bytes in all`,
        );
      }
      this.roots.set(key, root);
    } else if (root.kind !== storageKind || root.elements !== elements) {
      throw new PickleRefusal("malformed", `storage ${quote(key)} is declared twice in different ways`);
    }
    return view === null ? root : this.#declareView(root, view);
  }

  /** A part of another storage, as files of before PyTorch 1.0 have them: `(key, offset, elements)`. */
  #declareView(root: StorageReference, view: PickleValue): StorageReference {
    if (!isTuple(view) || view.length !== 3) {
      throw new PickleRefusal("malformed", "a view of a storage is not a triple");
    }
    const [key, offset, elements] = view;
    if (typeof key !== "string" || !isCount(offset) || !isCount(elements) || offset + elements > root.elements) {
      throw new PickleRefusal("malformed", `a view of storage ${quote(root.key)} does not lie within it`);
    }
    const before = this.#views.get(key);
    if (before !== undefined) {
      if (before.key !== root.key || before.offset !== offset || before.elements !== elements) {
        throw new PickleRefusal("malformed", `the view ${quote(key)} is declared twice in different ways`);
      }
      return before;
    }
    const made = new StorageReference(root.key, root.type, root.kind, root.rootElements, offset, elements);
    this.#views.set(key, made);
    return made;
  }

  /**
   * The value of `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])`.
   *
   * @param dtype the elements' type where the storage is of bytes, by torch's name
   */
  rebuild(args: readonly PickleValue[], dtype?: string): TensorData {
    const [standIn, offset, size, stride] = args;
    const declared = this.#references.get(standIn as object);
    if (declared === undefined) {
      throw new PickleRefusal("malformed", "a tensor is not made from a storage");
    }
    const storage = dtype === undefined ? declared : this.#cast(declared, dtype);
    const where = `a tensor of storage ${quote(storage.key)}`;
    if (!isCount(offset)) {
      throw new PickleRefusal("malformed", `${where} has no valid offset`);
    }
    if (!isTuple(size) || !isTuple(stride) || size.length !== stride.length) {
      throw new PickleRefusal("malformed", `${where} has no size and stride of one length`);
    }
    if (size.length > maxRank) {
      throw new PickleRefusal("limit", `${where} has ${size.length} dimensions; PyTorch has at most ${maxRank}`);
    }
    if (!size.every(isCount) || !stride.every(isCount)) {
      throw new PickleRefusal("malformed", `${where} has a size or stride that is not a number of elements`);
    }
    const shape: readonly number[] = Object.freeze([...size]);
    const strides: readonly number[] = stride;
    const described = `${where} with size [${shape.join(", ")}], stride [${strides.join(", ")}] and offset ${offset}`;
    const elements = shape.reduce((product, n) => product * n, 1);
    if (elements > 0) {
      const last = shape.reduce((position, n, i) => position + (n - 1) * (strides[i] ?? 0), offset);
      if (last >= storage.elements) {
        throw new PickleRefusal("malformed", `${described} reaches past the ${storage.elements} elements there`);
      }
      if (!isContiguous(shape, strides)) {
        this.#copiedBytes += elements * storage.kind.elementBytes;
        if (this.#copiedBytes > this.#copyBudget) {
          throw new PickleRefusal("limit", `${described} would take more memory than the file can justify`);
        }
      }
    }
    const target = { dtype: storage.kind.dtype, shape, data: emptyArray } as unknown as Mutable<TensorData>;
    this.#tensors.add(target);
    this.#pending.push({ target, storage, offset, strides });
    return target as TensorData;
  }

  /** A storage of bytes as one of elements. */
  #cast(storage: StorageReference, dtype: string): StorageReference {
    const kind = kindOfDtype.get(dtype);
    if (kind === undefined) {
      throw new PickleRefusal(
        "unsupported",
        `tensors of torch.${dtype} are not read here; in Python, save tensor.float()`,
      );
    }
    if (storage.kind === kind) {
      return storage;
    }
    if (storage.kind !== untyped) {
      throw new PickleRefusal("malformed", `storage ${quote(storage.key)} is said to be of two types`);
    }
    const name = `${storage.key} ${dtype}`;
    const before = this.#casts.get(name);
    if (before !== undefined) {
      return before;
    }
    const elements = Math.floor(storage.elements / kind.elementBytes);
    const made = new StorageReference(storage.key, storage.type, kind, elements, 0, elements);
    this.#casts.set(name, made);
    return made;
  }

  /**
   * Gives every tensor its elements. Tensors that are simple slices of a storage share its memory, as in PyTorch.
   *
   * @param bytesOf the content of a root storage, exactly `rootBytes` long; asked for once a storage
   * @param sharing whether tensors may keep the file's memory
   */
  fill(bytesOf: (root: StorageReference) => Uint8Array, sharing: Sharing): void {
    const decoded = new Map<string, Map<StorageKind, TensorArrays[TensorDType]>>();
    const elementsOf = ({ key, kind }: StorageReference) => {
      const ofRoot = decoded.get(key) ?? new Map<StorageKind, TensorArrays[TensorDType]>();
      decoded.set(key, ofRoot);
      let elements = ofRoot.get(kind);
      if (elements === undefined) {
        const bytes = bytesOf(found(this.roots.get(key), `The storage ${key}`));
        elements = kind.decode(bytes.subarray(0, bytes.length - (bytes.length % kind.elementBytes)), sharing);
        ofRoot.set(kind, elements);
      }
      return elements;
    };
    for (const { target, storage, offset, strides } of this.#pending) {
      target.data = rowMajor(elementsOf(storage), storage.offset + offset, target.shape, strides);
      Object.freeze(target);
    }
    for (const [storage, standIn] of this.#standIns) {
      standIn.data = elementsOf(storage).subarray(storage.offset, storage.offset + storage.elements);
      Object.freeze(standIn);
    }
  }
}

const emptyArray = new Uint8Array(0);
