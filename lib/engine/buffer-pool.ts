/**
 * Memory for tensors, kept for reuse: fresh pages cost more than most kernels. Sizes are rounded up to classes an eighth
 * of a power of two apart; what is kept has a ceiling, and goes back to the system when memory runs short, when no tensor
 * is left, and when nothing has been computed for some seconds.
 */

/** Memory for a region: a whole buffer, or a part of one that others share. */
export interface Block {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
}

/** Where regions come from and go to. */
export interface RegionSource {
  /** @throws Error where there is no more */
  alloc(bytes: number): Block;
  drop(block: Block): void;
  /** Makes a part of a region that turned out to last quicker to use; what is in it may be lost. Returns whether more can be done. */
  settle(block: Block): boolean;
  /** Gives back what operations keep for the next one, where they do. */
  release?(): void;
  /** Bytes that there can be at most, where that is not the machine's memory. */
  readonly limit?: number;
  /** Whether the native functions copy arrays that are not in regions. */
  readonly copiesOthers?: boolean;
  /** Whether the machine's memory is so short that nothing should be kept when so much more is taken; where it is known. */
  isScarce?(bytes: number): boolean;
}

/** A region out of the pool; `bytes` is the size of its class. */
export interface Region {
  readonly block: Block;
  readonly bytes: number;
  /** The view last made of it, to be used again for a tensor of the same size. */
  view: Float32Array | Int32Array | Uint8Array | undefined;
  /** Whether it may gain from {@link RegionSource.settle}. */
  unsettled: boolean;
}

const smallest = 256;
/** A region up to this much larger than wanted is taken before a new one is made. */
const slack = 1.5;
/** One in so many regions taken again that are not settled yet is, lest one step bear it all. */
const settleEvery = 32;
/** Regions from this size on lie on pages of their own; only those need settling. */
const ownPages = 1 << 20;
const idleMilliseconds = 5000;
const pressureCheckMilliseconds = 200;

/** The size of the class that `bytes` falls into. */
export function classSize(bytes: number): number {
  if (bytes <= smallest) {
    return smallest;
  }
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

export class BufferPool {
  /** Bytes that may be kept unused. */
  ceiling: number;
  readonly #source: RegionSource;
  readonly #free = new Map<number, Region[]>();
  #keptBytes = 0;
  #usedBytes = 0;
  #peakBytes = 0;
  #lastCheck = Number.NEGATIVE_INFINITY;
  #reused = 0;
  #busy = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: RegionSource, ceiling: number) {
    this.#source = source;
    this.ceiling = ceiling;
  }

  /** Bytes in regions that nobody uses. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Bytes in regions that are in use. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most that used and kept regions ever made together. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  take(bytes: number): Region {
    this.#busy = true;
    const size = classSize(bytes);
    let region = this.#free.get(size)?.pop();
    if (region === undefined && size >= 1 << 16) {
      const step = 2 ** (Math.floor(Math.log2(size)) - 3);
      for (let larger = size + step; larger <= size * slack && region === undefined; larger += step) {
        region = this.#free.get(classSize(larger))?.pop();
      }
    }
    if (region === undefined) {
      this.#watchMemory(size);
      region = { block: this.#alloc(size), bytes: size, view: undefined, unsettled: size >= ownPages };
    } else {
      this.#keptBytes -= region.bytes;
      if (region.unsettled && ++this.#reused % settleEvery === 0) {
        region.unsettled = this.#source.settle(region.block);
      }
    }
    this.#usedBytes += region.bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#usedBytes + this.#keptBytes);
    return region;
  }

  /** A new region; what is kept goes before there is none. */
  #alloc(size: number): Block {
    try {
      return this.#source.alloc(size);
    } catch (error) {
      if (this.#keptBytes === 0 && this.#source.release === undefined) {
        throw error;
      }
      this.trim();
      return this.#source.alloc(size);
    }
  }

  give(region: Region): void {
    this.#usedBytes -= region.bytes;
    if (this.#keptBytes + region.bytes > this.ceiling) {
      this.#source.drop(region.block);
      return;
    }
    this.#keptBytes += region.bytes;
    const list = this.#free.get(region.bytes);
    if (list === undefined) {
      this.#free.set(region.bytes, [region]);
    } else {
      list.push(region);
    }
    this.#startTimer();
  }

  /** Gives unused regions back to the system until at most `bytes` of them are left, and what operations keep. */
  trim(bytes = 0): void {
    this.#source.release?.();
    for (const size of [...this.#free.keys()].sort((a, b) => b - a)) {
      const list = this.#free.get(size) ?? [];
      while (list.length > 0 && this.#keptBytes > bytes) {
        const region = list.pop();
        if (region === undefined) {
          break;
        }
        this.#keptBytes -= region.bytes;
        this.#source.drop(region.block);
      }
      if (list.length === 0) {
        this.#free.delete(size);
      }
    }
  }

  /** Before a large new region: is there memory for it besides what is kept? */
  #watchMemory(size: number): void {
    if (size < 1 << 20 || this.#keptBytes === 0) {
      return;
    }
    const now = performance.now();
    if (now - this.#lastCheck < pressureCheckMilliseconds) {
      return;
    }
    this.#lastCheck = now;
    if (this.#source.isScarce?.(size) === true) {
      this.trim();
    }
  }

  #startTimer(): void {
    if (this.#timer !== undefined) {
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#busy) {
        this.#busy = false;
        this.#startTimer();
      } else {
        this.trim();
      }
    }, idleMilliseconds);
    // In a page it is a number, and ends with the page.
    this.#timer.unref?.();
  }
}
