/**
 * The tfjs backend `native`: the CPU backend's bookkeeping with tensors in pooled native memory. Kernels that are not
 * native run as the CPU backend's, on the same typed arrays.
 */

import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import { type DataStorage, type DataType, type TensorInfo, util } from "@tensorflow/tfjs-core";
import { BufferPool, type Region, type RegionSource } from "./buffer-pool.ts";
import type { NativeAddon } from "./native-addon.ts";
import { binaryOps } from "./native-numbers.ts";

/** What the backend keeps for a tensor's data; regions out of the pool go back to it. */
interface Stored {
  values: Float32Array | Int32Array | Uint8Array;
  dtype: DataType;
  refCount: number;
  region?: Region;
  /** A number for what the values are now: another one after every change. */
  version?: number;
  /** The parts of a complex tensor, which has no values of its own. */
  complexTensorInfos?: { readonly real: TensorInfo; readonly imag: TensorInfo };
}

interface ArrayOf {
  float32: Float32Array;
  int32: Int32Array;
  bool: Uint8Array;
}

/** A tensor that a kernel is about to fill. */
export interface Output<D extends keyof ArrayOf = "float32"> extends TensorInfo {
  dtype: D;
  values: ArrayOf[D];
}

type DataId = TensorInfo["dataId"];
type Values = Parameters<MathBackendCPU["write"]>[0];

export class NativeBackend extends MathBackendCPU {
  /** The CPU backend's, which keeps the pool's regions, too. */
  declare data: DataStorage<Stored>;
  readonly addon: NativeAddon;
  readonly pool: BufferPool;
  /** ArrayBuffers of the pool: values in them must be copied before anybody else may hold them. */
  readonly #pooled = new WeakSet<ArrayBufferLike>();
  /** Whether arrays that are not in regions are copied by every call of a native function. */
  readonly #copiesOthers: boolean;
  #nextId = 0;

  /** @param ceiling bytes of memory that may be kept for reuse */
  constructor(addon: NativeAddon, regions: RegionSource, ceiling: number) {
    super();
    this.addon = addon;
    this.#copiesOthers = regions.copiesOthers ?? false;
    // The CPU backend would say at its first use how slow it is.
    Reflect.set(this, "firstUse", false);
    const alloc: RegionSource["alloc"] = (bytes) => {
      const block = regions.alloc(bytes);
      this.#pooled.add(block.buffer);
      return block;
    };
    this.pool = new BufferPool({ ...regions, alloc }, ceiling);
  }

  /** Memory for a result; its content is whatever was there before. */
  output(shape: number[]): Output;
  output<D extends keyof ArrayOf>(shape: number[], dtype: D): Output<D>;
  output(shape: number[], dtype: keyof ArrayOf = "float32"): Output<keyof ArrayOf> {
    const length = util.sizeFromShape(shape);
    const region = this.pool.take(dtype === "bool" ? length : length * 4);
    const values = viewOf(region, dtype, length);
    const dataId = { id: `native-${this.#nextId++}` };
    this.data.set(dataId, { values, dtype, refCount: 1, region });
    return { dataId, shape, dtype, values };
  }

  /** The elements of a tensor, not to be kept beyond the call. */
  values(tensor: TensorInfo): Float32Array {
    return this.#inRegion(tensor.dataId).values as Float32Array;
  }

  /**
   * The elements of a tensor that is used again and again, and a number by which the native code knows that they are those of before: they lie in a
   * region from now on, where nobody writes without having asked {@link isExclusive}.
   */
  weights(tensor: TensorInfo): { readonly values: Float32Array; readonly version: number } {
    const stored = this.#stored(tensor.dataId);
    if (stored.region === undefined && tensor.dtype === "float32") {
      this.#move(stored, "float32");
    }
    stored.version ??= this.#nextVersion();
    return { values: stored.values as Float32Array, version: stored.version };
  }

  /** Never one that another backend gave, here or by another copy of this file: their weights may have lain where ours lie. */
  #nextVersion(): number {
    this.addon.lastVersion = (this.addon.lastVersion ?? 0) + 1;
    return this.addon.lastVersion;
  }

  ints(tensor: TensorInfo): Int32Array {
    return this.#inRegion(tensor.dataId).values as Int32Array;
  }

  bytes(tensor: TensorInfo): Uint8Array {
    return this.#inRegion(tensor.dataId).values as Uint8Array;
  }

  /** The bytes of a tensor of strings, each in UTF-8. */
  strings(tensor: TensorInfo): Uint8Array[] {
    const values: unknown = this.#stored(tensor.dataId).values;
    if (tensor.dtype !== "string") {
      throw new Error(`Expected a tensor of strings, got one of ${tensor.dtype}`);
    }
    return values as Uint8Array[];
  }

  /** The parts of a complex tensor. */
  parts(tensor: TensorInfo): { readonly real: TensorInfo; readonly imag: TensorInfo } {
    const { complexTensorInfos } = this.#stored(tensor.dataId);
    if (complexTensorInfos === undefined) {
      throw new Error(`Expected a complex tensor, got one of ${tensor.dtype}`);
    }
    return complexTensorInfos;
  }

  /** A complex tensor of two parts, which are its own from now on. */
  complex(real: TensorInfo, imag: TensorInfo): TensorInfo {
    const whole = this.makeTensorInfo(real.shape, "complex64");
    this.#stored(whole.dataId).complexTensorInfos = { real, imag };
    return whole;
  }

  /** Whether a tensor's memory is its alone and may be written to in place, which is what whoever asks is going to do. */
  isExclusive(tensor: TensorInfo): boolean {
    const stored = this.#stored(tensor.dataId);
    if (stored.region === undefined || stored.refCount !== 1) {
      return false;
    }
    delete stored.version;
    return true;
  }

  /** Adds a tensor to one whose memory is its alone, and says whether it could. */
  addInPlace(sum: TensorInfo, more: TensorInfo): boolean {
    if (sum.dtype !== "float32" || more.dtype !== "float32" || !this.isExclusive(sum)) {
      return false;
    }
    if (!util.arraysEqual(sum.shape, more.shape)) {
      return false;
    }
    const values = this.values(sum);
    const flat = Int32Array.of(1, values.length, 1, 1);
    this.addon.binary(binaryOps.indexOf("Add"), values, this.values(more), values, flat);
    return true;
  }

  #stored(dataId: DataId): Stored {
    return this.data.get(dataId);
  }

  /** Moves what JavaScript has written to a region for good, where every call would copy it there otherwise. */
  #inRegion(dataId: DataId): Stored {
    const stored = this.#stored(dataId);
    const { dtype } = stored;
    if (
      this.#copiesOthers &&
      stored.region === undefined &&
      (dtype === "float32" || dtype === "int32" || dtype === "bool")
    ) {
      this.#move(stored, dtype);
    }
    return stored;
  }

  #move(stored: Stored, dtype: keyof ArrayOf): void {
    const { values } = stored;
    stored.region = this.pool.take(values.byteLength);
    stored.values = viewOf(stored.region, dtype, values.length);
    stored.values.set(values);
  }

  /** CPU kernels hand over new arrays, and sometimes views of their input's; the latter are copied. */
  override write(values: Values, shape: number[], dtype: DataType): DataId {
    const foreign = ArrayBuffer.isView(values) && this.#pooled.has(values.buffer);
    return super.write(typed(foreign ? values.slice() : values, dtype), shape, dtype);
  }

  override readSync(dataId: DataId): Values {
    const stored = this.#stored(dataId);
    return stored.region === undefined ? super.readSync(dataId) : stored.values.slice();
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const region = this.data.has(dataId) ? this.#stored(dataId).region : undefined;
    const gone = super.disposeData(dataId, force);
    if (gone && region !== undefined && !this.data.has(dataId)) {
      this.pool.give(region);
      if (this.data.numDataIds() === 0) {
        this.pool.trim();
      }
    }
    return gone;
  }

  override dispose(): void {
    this.pool.trim();
    this.addon.releaseScratch();
  }

  override memory(): { unreliable: boolean; reasons: string[] } {
    return { unreliable: false, reasons: [] };
  }
}

/** Some CPU kernels (OneHot) hand over whole numbers as floats; native kernels read the bytes that the type promises. */
function typed(values: Values, dtype: DataType): Values {
  if (dtype === "int32" && values instanceof Float32Array) {
    return Int32Array.from(values);
  }
  if (dtype === "bool" && (values instanceof Float32Array || values instanceof Int32Array)) {
    return Uint8Array.from(values);
  }
  // The parts of a complex tensor, which tfjs makes of whole numbers as they are.
  if (dtype === "float32" && (values instanceof Int32Array || values instanceof Uint8Array)) {
    return Float32Array.from(values);
  }
  return values;
}

function viewOf(region: Region, dtype: keyof ArrayOf, length: number): Float32Array | Int32Array | Uint8Array {
  const type = dtype === "float32" ? Float32Array : dtype === "int32" ? Int32Array : Uint8Array;
  if (region.view instanceof type && region.view.length === length) {
    return region.view;
  }
  const { buffer, offset } = region.block;
  region.view =
    dtype === "float32"
      ? new Float32Array(buffer, offset, length)
      : dtype === "int32"
        ? new Int32Array(buffer, offset, length)
        : new Uint8Array(buffer, offset, length);
  return region.view;
}
