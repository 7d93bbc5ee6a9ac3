/** torch's storages, and tensors as views of them: everything that a file says about them is checked before it is used. */
import type { TensorArrays, TensorData, TensorDType } from "../../tensor-data.ts";
import { quote } from "../byte-reader.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "../float16.ts";
import { PickleRefusal, type PickleValue, PythonName } from "../pickle/values.ts";
import { decodeElements, elementBytes, type Sharing } from "../tensor-bytes.ts";

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

/** Whether torch has such a class of storages that is read here. */
export function isStorageName(name: PythonName): boolean {
  return name.module === "torch" && storageKinds.has(name.name);
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

function isCount(value: PickleValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isTuple(value: PickleValue): value is readonly PickleValue[] {
  return Array.isArray(value) && Object.isFrozen(value);
}

/** Collects the storages and tensors of one pickle, then gives the tensors their elements. */
export class TensorCollector {
  /** Root storages by key, in the order of their first mention. */
  readonly roots = new Map<string, StorageReference>();
  readonly #views = new Map<string, StorageReference>();
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

  /** The value of a persistent id: `("storage", class, key, location, elements[, view])`. */
  declare(id: PickleValue): StorageReference {
    if (!isTuple(id)) throw new PickleRefusal("malformed", "a persistent id is not a tuple");
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
    const storageKind = type instanceof PythonName && type.module === "torch" ? storageKinds.get(type.name) : undefined;
    if (storageKind === undefined)
      throw new PickleRefusal("malformed", `storage ${quote(key)} has no class of storages`);
    const { name } = type as PythonName;
    let root = this.roots.get(key);
    if (root === undefined) {
      root = new StorageReference(key, name, storageKind, elements, 0, elements);
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
    if (!isTuple(view) || view.length !== 3)
      throw new PickleRefusal("malformed", "a view of a storage is not a triple");
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

  /** The value of `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])`. */
  rebuild(args: readonly PickleValue[]): TensorData {
    const [storage, offset, size, stride] = args;
    if (!(storage instanceof StorageReference)) {
      throw new PickleRefusal("malformed", "a tensor is not made from a storage");
    }
    const where = `a tensor of storage ${quote(storage.key)}`;
    if (!isCount(offset)) throw new PickleRefusal("malformed", `${where} has no valid offset`);
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
      const last = shape.reduce((position, n, i) => position + (n - 1) * (strides[i] as number), offset);
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

  /**
   * Gives every tensor its elements. Tensors that are simple slices of a storage share its memory, as in PyTorch.
   *
   * @param bytesOf the content of a root storage, exactly `rootBytes` long; asked for once a storage
   * @param sharing whether tensors may keep the file's memory
   */
  fill(bytesOf: (root: StorageReference) => Uint8Array, sharing: Sharing): void {
    const decoded = new Map<string, TensorArrays[TensorDType]>();
    for (const [key, root] of this.roots) {
      decoded.set(key, root.kind.decode(bytesOf(root), sharing));
    }
    for (const { target, storage, offset, strides } of this.#pending) {
      const data = decoded.get(storage.key) as TensorArrays[TensorDType];
      target.data = view(data, storage.offset + offset, target.shape, strides);
      Object.freeze(target);
    }
  }
}

const emptyArray = new Uint8Array(0);

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const n = shape[i] as number;
    if (n !== 1 && strides[i] !== expected) return false;
    expected *= n;
  }
  return true;
}

/** The elements of a view in row-major order. The caller has checked that they lie within `data`. */
function view(
  data: TensorArrays[TensorDType],
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): TensorArrays[TensorDType] {
  const elements = shape.reduce((product, n) => product * n, 1);
  if (elements === 0) return data.slice(0, 0);
  if (isContiguous(shape, strides)) return data.subarray(offset, offset + elements);
  const result = new (data.constructor as Float32ArrayConstructor)(elements);
  const source = data as Float32Array;
  const index = new Array<number>(shape.length).fill(0);
  const inner = shape.at(-1) as number;
  const innerStride = strides.at(-1) as number;
  let from = offset;
  for (let to = 0; to < elements; ) {
    for (let i = 0, at = from; i < inner; i++, at += innerStride) result[to++] = source[at] as number;
    // The next row: count up like an odometer.
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      from += strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return result;
}
