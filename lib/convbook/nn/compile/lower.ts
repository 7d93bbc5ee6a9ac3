/** Writes a part of a graph as a program of the engine. */
import { at } from "../../arguments/at.ts";
import { type BuiltProgram, type ClippedActivation, type Place, ProgramBuilder } from "./builder.ts";
import type { Operation } from "./graph.ts";
import type { PlanNode } from "./plan.ts";

/** Nodes on all ways from one value to another. */
export interface Region {
  /** Number of the node whose result they begin with; what is given from outside is -1 - its number. */
  readonly entry: number;
  readonly entryShape: readonly number[];
  /** Their numbers, in order; the last one's result is the whole's. */
  readonly numbers: readonly number[];
  readonly exit: number;
  /** All nodes of the graph. */
  readonly nodes: readonly PlanNode[];
}

/** Whether programs know an operation, on images. */
export function isKnownToPrograms(operation: Operation, training: boolean): boolean {
  switch (operation.kind) {
    case "convolution":
    case "pool":
      return operation.window !== null;
    case "normalisation":
      return operation.weight !== null && operation.bias !== null && operation.usesBatch === training;
    case "activation":
      return operation.name === "relu" || (operation.name === "relu6" && !training);
    case "kernel":
      return operation.role !== null && (operation.role !== "relu6" || !training);
  }
}

/** The program; null where there is too little to be one. */
export function lowerRegion(region: Region, training: boolean): BuiltProgram | null {
  const { entry, numbers, nodes, exit } = region;
  const builder = new ProgramBuilder(region.entryShape, training);
  const uses = new Map<number, number>();
  for (const number of numbers) {
    for (const input of at(nodes, number).inputs) {
      uses.set(input, (uses.get(input) ?? 0) + 1);
    }
  }
  const homes = homesOf(region, uses, builder);
  const places = new Map<number, Place>();
  const settle = (number: number, made: Place): void => {
    const isConcatenation = number !== entry && roleOf(at(nodes, number)) === "concatenation";
    const home = isConcatenation ? undefined : homes.get(number);
    if (home !== undefined) {
      builder.place(made, home);
    }
    const isShared = !isConcatenation && (uses.get(number) ?? 0) > 1;
    places.set(number, home ?? (isShared ? builder.settled(made) : made));
  };
  settle(entry, builder.input);
  for (const number of numbers) {
    const { operation, inputs, shapes } = at(nodes, number);
    const parts = inputs.map((input) => places.get(input) as Place);
    const from = at(parts, 0);
    const shape = at(shapes, 0);
    const whole = homes.get(number);
    settle(number, made());

    function made(): Place {
      switch (operation.kind) {
        case "convolution":
          return builder.convolution(from, number, operation.bias !== null, windowOf(operation), shape);
        case "pool":
          return builder.pool(operation.type, from, windowOf(operation), shape);
        case "normalisation":
          return builder.normalisation(from, number, operation.epsilon, operation.share);
        case "activation":
          return builder.activation(from, operation.name as ClippedActivation);
        case "kernel":
          if (operation.role === "relu" || operation.role === "relu6") {
            return builder.activation(from, operation.role);
          }
          if (operation.role === "sum") {
            return sumOf(inputs, parts, uses, builder);
          }
          return side(parts, whole as Place, builder);
      }
    }
  }
  return builder.build(places.get(exit) as Place);
}

function windowOf({ window }: Extract<Operation, { kind: "convolution" | "pool" }>) {
  if (window === null) {
    throw new Error("A program was given a window that it does not know.");
  }
  return window;
}

function roleOf({ operation }: PlanNode): string | null {
  return operation.kind === "kernel" ? operation.role : null;
}

/** A sum: what has no other reader takes the other in, so that what makes it can add. */
function sumOf(
  inputs: readonly number[],
  parts: readonly Place[],
  uses: ReadonlyMap<number, number>,
  builder: ProgramBuilder,
): Place {
  const [a, b] = [at(parts, 0), at(parts, 1)];
  const isShared = inputs.map((input) => (uses.get(input) ?? 0) > 1);
  return isShared[0] && !isShared[1] ? builder.sum(b, a) : builder.sum(a, b);
}

/** Puts parts where a concatenation wants them, unless they were made there. */
function side(parts: readonly Place[], whole: Place, builder: ProgramBuilder): Place {
  let offset = 0;
  for (const part of parts) {
    const at = builder.slice(whole, offset, part.channels);
    if (part.buffer !== at.buffer || part.offset !== at.offset) {
      builder.place(part, at);
    }
    offset += part.channels;
  }
  return whole;
}

/**
 * Where concatenations lie: one that is a part of another in its slice of that, so that the layers of a dense block share one buffer. What a concatenation
 * keeps and others read lies there, too.
 */
function homesOf(
  region: Region,
  uses: ReadonlyMap<number, number>,
  builder: ProgramBuilder,
): ReadonlyMap<number, Place> {
  const { nodes, numbers, entry, entryShape } = region;
  const homes = new Map<number, Place>();
  const shapeOf = (number: number) => (number === entry ? entryShape : at(at(nodes, number).shapes, 0));
  for (const number of [...numbers].reverse()) {
    const node = at(nodes, number);
    if (roleOf(node) !== "concatenation") {
      continue;
    }
    const [, height, width, channels] = shapeOf(number) as [number, number, number, number];
    const whole = homes.get(number) ?? builder.allocate(height, width, channels);
    homes.set(number, whole);
    let offset = 0;
    for (const input of node.inputs) {
      const size = at(shapeOf(input), 3);
      const isConcatenation = input !== entry && roleOf(at(nodes, input)) === "concatenation";
      if (!homes.has(input) && (isConcatenation || (uses.get(input) ?? 0) > 1)) {
        homes.set(input, builder.slice(whole, offset, size));
      }
      offset += size;
    }
  }
  return homes;
}
