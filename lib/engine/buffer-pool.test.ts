import { describe, expect, it } from "vitest";
import { BufferPool, classSize } from "./buffer-pool.ts";

function countingSource() {
  const counts = { made: 0, dropped: 0, settled: 0 };
  const source = {
    alloc: (bytes: number) => {
      counts.made++;
      return { buffer: new ArrayBuffer(bytes), offset: 0 };
    },
    drop: () => {
      counts.dropped++;
    },
    settle: () => ++counts.settled < 3,
  };
  return { counts, source };
}

describe("BufferPool", () => {
  it("rounds sizes up by at most an eighth", () => {
    expect(classSize(1)).toBe(256);
    for (const bytes of [257, 1000, 4097, 123_456, 99_999_999]) {
      const size = classSize(bytes);
      expect(size).toBeGreaterThanOrEqual(bytes);
      expect(size).toBeLessThanOrEqual(bytes * 1.125 + 1);
      expect(classSize(size)).toBe(size);
    }
  });

  it("gives the same region again, and a larger one rather than a new one", () => {
    const { counts, source } = countingSource();
    const pool = new BufferPool(source, 1e9);
    const region = pool.take(1_000_000);
    pool.give(region);
    expect(pool.take(1_000_000)).toBe(region);
    pool.give(region);
    expect(pool.take(800_000)).toBe(region);
    expect(pool.take(400_000)).not.toBe(region);
    expect(counts.made).toBe(2);
  });

  it("settles large regions that are used again and again, bit by bit, until there is no more to do", () => {
    const { counts, source } = countingSource();
    const pool = new BufferPool(source, 1e9);
    const use = (bytes: number, times: number) => {
      for (let i = 0; i < times; i++) {
        pool.give(pool.take(bytes));
      }
    };
    use(1 << 10, 1000);
    use(2 << 20, 33);
    expect(counts).toEqual({ made: 2, dropped: 0, settled: 1 });
    use(2 << 20, 32);
    expect(counts.settled).toBe(2);
    use(2 << 20, 1000);
    expect(counts.settled).toBe(3);
  });

  it("keeps no more than its ceiling", () => {
    const { counts, source } = countingSource();
    const pool = new BufferPool(source, 3_000_000);
    const regions = [0, 1, 2].map(() => pool.take(1_000_000));
    expect(pool.usedBytes).toBe(3 * classSize(1_000_000));
    for (const region of regions) {
      pool.give(region);
    }
    expect(counts.dropped).toBe(1);
    expect(pool.keptBytes).toBeLessThanOrEqual(3_000_000);
    expect(pool.usedBytes).toBe(0);
    pool.trim();
    expect(counts.dropped).toBe(3);
    expect(pool.keptBytes).toBe(0);
  });

  it("asks for what operations keep when it is trimmed, and when memory ran out", () => {
    const { counts, source } = countingSource();
    let released = 0;
    const pool = new BufferPool(
      {
        ...source,
        alloc: (bytes) => {
          if (released < 2) {
            throw new Error("no memory");
          }
          return source.alloc(bytes);
        },
        release: () => {
          released++;
        },
      },
      1e9,
    );
    pool.trim();
    expect(released).toBe(1);
    pool.take(1000);
    expect(released).toBe(2);
    expect(counts.made).toBe(1);
  });
});
