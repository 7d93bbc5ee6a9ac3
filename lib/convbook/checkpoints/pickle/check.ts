/**
 * Checks what came out of a pickle before anybody walks through it: no cycles, no great depth, and no small graph of shared
 * values that unfolds into a huge tree ("billion laughs"). Works without recursion itself.
 */

/** Deeper than any checkpoint; far from where recursive code over the values would overflow its stack. */
export const maxDepth = 256;

/** How many values the tree may have when everything shared is counted wherever it occurs, beyond one a byte. */
const allowance = 1_000_000;

/** How many lists, tuples, dicts and sets there may be by default: a data set's annotations are some millions. */
export const defaultMaxContainers = 1 << 22;

interface Frame {
  readonly value: object;
  readonly children: Iterator<unknown>;
  /** Values in the tree below, itself included. */
  size: number;
  /** Levels below, itself included. */
  depth: number;
}

function* entriesOf(map: ReadonlyMap<unknown, unknown>): Generator<unknown> {
  for (const [key, value] of map) {
    yield key;
    yield value;
  }
}

function childrenOf(value: object): Iterator<unknown> | null {
  if (Array.isArray(value)) {
    return value.values();
  }
  if (value instanceof Map) {
    return entriesOf(value);
  }
  if (value instanceof Set) {
    return value.values();
  }
  return null;
}

/**
 * @param pickleBytes the pickle's length
 * @param maxContainers how many lists, tuples, dicts and sets there may be
 * @param fail makes the error to throw
 */
export function checkStructure(
  root: unknown,
  pickleBytes: number,
  maxContainers: number,
  fail: (message: string) => Error,
): void {
  const maxSize = allowance + pickleBytes;
  /** 0 while a value is being walked through. */
  const known = new Map<object, { size: number; depth: number } | 0>();
  const frames: Frame[] = [];
  const enter = (value: unknown): { size: number; depth: number } | null => {
    if (typeof value !== "object" || value === null) {
      return { size: 1, depth: 1 };
    }
    const before = known.get(value);
    if (before === 0) {
      throw fail("a value contains itself");
    }
    if (before !== undefined) {
      return before;
    }
    const children = childrenOf(value);
    if (children === null) {
      return { size: 1, depth: 1 };
    }
    known.set(value, 0);
    if (known.size > maxContainers) {
      throw fail(`there are more than ${maxContainers} lists, dicts and sets; the option maxContainers allows more`);
    }
    frames.push({ value, children, size: 1, depth: 1 });
    if (frames.length > maxDepth) {
      throw fail(`values are nested more than ${maxDepth} deep`);
    }
    return null;
  };
  enter(root);
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const next = frame.children.next();
    let found: { size: number; depth: number } | null;
    if (next.done === true) {
      frames.pop();
      found = { size: frame.size, depth: frame.depth };
      known.set(frame.value, found);
      frame = frames.at(-1);
      if (frame === undefined) {
        return;
      }
    } else {
      found = enter(next.value);
      if (found === null) {
        continue;
      }
    }
    frame.size += found.size;
    frame.depth = Math.max(frame.depth, found.depth + 1);
    // A shared value may be deep by itself and lie deep here.
    if (frames.length - 1 + frame.depth > maxDepth) {
      throw fail(`values are nested more than ${maxDepth} deep`);
    }
    if (frame.size > maxSize) {
      throw fail("shared values unfold into more than the file could hold");
    }
  }
}
