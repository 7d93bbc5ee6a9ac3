/** What can be improved in a program of the engine before it is run. */
import type { Program, ProgramBuffer, ProgramOperation } from "@convbook/engine";

/** Where a channel range begins. */
interface Place {
  readonly buffer: number;
  readonly offset: number;
}

/** Whether a convolution may become one with others: it reads its source as it is and writes nothing but its sums. */
function isFree({ kind, norm, residual }: ProgramOperation): boolean {
  return kind === "conv" && norm < 0 && residual < 0;
}

/** Whether two of them read the same in the same way. */
function isAlike(a: ProgramOperation, b: ProgramOperation): boolean {
  const areEqual = (x: readonly [number, number], y: readonly [number, number]) => x[0] === y[0] && x[1] === y[1];
  return (
    a.source === b.source &&
    a.sourceOffset === b.sourceOffset &&
    a.inChannels === b.inChannels &&
    areEqual(a.filter, b.filter) &&
    areEqual(a.strides, b.strides) &&
    areEqual(a.pad, b.pad) &&
    a.activation === b.activation &&
    a.bias < 0 === b.bias < 0
  );
}

/** Whether the result can lie anywhere: it has a buffer of its own that nobody wants whole. */
function isMovable({ operations, buffers, output }: Program, { target, outChannels }: ProgramOperation): boolean {
  return (
    target !== output &&
    buffers[target]?.channels === outChannels &&
    operations.filter((op) => op.target === target).length === 1 &&
    operations.every(
      (op) => op.residual !== target && (op.source !== target || (op.kind !== "maxPool" && op.kind !== "avgPool")),
    )
  );
}

/** Whether an operation between two others writes what the first reads. */
function isDisturbed(operations: readonly ProgramOperation[], from: number, to: number): boolean {
  const { source } = operations[from] as ProgramOperation;
  return operations.slice(from, to).some(({ target }) => target === source);
}

/** The first convolution that reads something, with those behind it that read the same in the same way. */
function siblingsOf(program: Program, first: number): number[] {
  const { operations } = program;
  const leader = operations[first] as ProgramOperation;
  if (!isFree(leader)) {
    return [];
  }
  const indices: number[] = [];
  for (let i = first; i < operations.length; i++) {
    const op = operations[i] as ProgramOperation;
    if (isFree(op) && isAlike(op, leader) && !isDisturbed(operations, first, i)) {
      indices.push(i);
    }
  }
  if (indices.length < 2) {
    return [];
  }
  const channels = (movable: boolean) =>
    indices
      .map((i) => operations[i] as ProgramOperation)
      .filter((op) => isMovable(program, op) === movable)
      .reduce((sum, { outChannels }) => sum + outChannels, 0);
  // Results that belong elsewhere are copied, which should not be most of the work.
  return channels(true) >= channels(false) ? indices : [];
}

/**
 * Puts convolutions that read the same channels with the same window side by side in one buffer, where the native code makes
 * one convolution of them: the heads of an Inception block's branches. The input is then read once, forwards and backwards.
 */
export function joinSiblings(program: Program): Program {
  let { buffers, norms, operations } = program;
  for (let first = 0; first < operations.length; first++) {
    const current = { ...program, buffers, norms, operations };
    const members = siblingsOf(current, first);
    if (members.length === 0) {
      continue;
    }
    const joined = members.map((i) => operations[i] as ProgramOperation);
    const leader = joined[0] as ProgramOperation;
    const { height, width } = buffers[leader.target] as ProgramBuffer;
    const whole = { height, width, channels: joined.reduce((sum, { outChannels }) => sum + outChannels, 0) };
    const buffer = buffers.length;
    const moved = new Map<number, Place>();
    const copies: ProgramOperation[] = [];
    let offset = 0;
    const convolutions = joined.map((op) => {
      if (isMovable(current, op)) {
        moved.set(op.target, { buffer, offset });
      } else {
        copies.push(copyOf(op, { buffer, offset }));
      }
      offset += op.outChannels;
      return { ...op, target: buffer, targetOffset: offset - op.outChannels };
    });
    const rest = (from: number, to?: number) =>
      operations
        .slice(from, to)
        .filter((_, i) => !members.includes(from + i))
        .map((op) => redirected(op, moved));
    operations = [...rest(0, first), ...convolutions, ...copies, ...rest(first)];
    buffers = [...buffers, whole];
    norms = norms.map((norm) => ({ ...norm, ...placed(norm, moved) }));
    first += convolutions.length - 1;
  }
  return withoutUnused({ ...program, buffers, norms, operations });
}

function copyOf(op: ProgramOperation, from: Place): ProgramOperation {
  return {
    ...op,
    kind: "merge",
    source: from.buffer,
    sourceOffset: from.offset,
    inChannels: op.outChannels,
    filter: [1, 1],
    strides: [1, 1],
    pad: [0, 0],
    weight: -1,
    bias: -1,
    activation: "linear",
    fold: -1,
  };
}

function placed({ buffer, offset }: Place, moved: ReadonlyMap<number, Place>): Place {
  const place = moved.get(buffer);
  return place === undefined ? { buffer, offset } : { buffer: place.buffer, offset: place.offset + offset };
}

function redirected(op: ProgramOperation, moved: ReadonlyMap<number, Place>): ProgramOperation {
  const { buffer, offset } = placed({ buffer: op.source, offset: op.sourceOffset }, moved);
  return { ...op, source: buffer, sourceOffset: offset };
}

/** The same with only those buffers that are still in use. */
function withoutUnused({ buffers, norms, operations, output }: Program): Program {
  const touched = operations.flatMap(({ source, target, residual }) => [source, target, residual]);
  const used = new Set([0, output, ...touched, ...norms.map(({ buffer }) => buffer)]);
  let count = 0;
  const numbers = buffers.map((_, i) => (used.has(i) ? count++ : -1));
  const number = (old: number): number => (old < 0 ? old : (numbers[old] as number));
  return {
    buffers: buffers.filter((_, i) => used.has(i)),
    norms: norms.map((norm) => ({ ...norm, buffer: number(norm.buffer) })),
    operations: operations.map((op) => ({
      ...op,
      source: number(op.source),
      target: number(op.target),
      residual: number(op.residual),
    })),
    output: number(output),
  };
}
