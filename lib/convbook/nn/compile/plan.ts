/** Divides a graph between programs of the engine and single steps: what is not known to programs, or does not pay as one, runs by itself. */
import { refusalOf } from "@convbook/engine";
import { at } from "../../arguments/at.ts";
import type { BuiltProgram } from "./builder.ts";
import { activationOf, type Chain, chainsOf, onlyReaders } from "./chains.ts";
import { keepsSomething, paysAsProgram } from "./cost.ts";
import type { Operation } from "./graph.ts";
import { invertedBlocks, joinInverted } from "./inverted.ts";
import { lowerRegion, type Region } from "./lower.ts";

/** What a plan knows of a node: nothing of it but that changes from run to run. */
export interface PlanNode {
  readonly operation: Operation;
  /** Numbers of earlier nodes; what is given from outside is -1 - its number. */
  readonly inputs: readonly number[];
  readonly shapes: readonly (readonly number[])[];
  /** Whether somebody outside wants its result. */
  readonly isKept: boolean;
  /** Whether programs know it. */
  readonly isKnown: boolean;
  /** Whether it runs by itself, when it is its turn. */
  readonly isOrdered: boolean;
}

/** A run of nodes as one program: from what `entry` says (as in {@link PlanNode.inputs}) to the result of its last node. */
export interface ProgramStep {
  readonly entry: number;
  readonly nodes: readonly number[];
  readonly exit: number;
  readonly built: BuiltProgram;
}

/** Nodes that run by themselves, one or several in one step. */
export interface ChainStep extends Chain {
  readonly exit: number;
}

export type Step = ProgramStep | ChainStep;

/** More nodes than a graph has. */
const stride = 2 ** 24;

/** The number of a node's output. Those behind the first are no node's own, but begin programs like what is given from outside. */
export function outputNumber(node: number, place: number): number {
  return node + place * stride;
}

/** What {@link outputNumber} has put together. */
export function outputOf(number: number): { readonly node: number; readonly place: number } {
  return { node: number % stride, place: Math.floor(number / stride) };
}

/** A place that all ways to a node lead through, if there is one. */
interface Junction {
  readonly number: number;
  readonly above: Junction | null;
  readonly depth: number;
}

/** For each node that programs know, the nearest place that all ways to it from outside lead through, as a tree. */
function junctionsOf(nodes: readonly PlanNode[]): (Junction | null)[] {
  const entries = new Map<number, Junction>();
  const at: (Junction | null)[] = [];
  const entry = (number: number): Junction => {
    const known = entries.get(number) ?? { number, above: null, depth: 0 };
    entries.set(number, known);
    return known;
  };
  const common = (a: Junction | null, b: Junction | null): Junction | null => {
    while (a !== b) {
      if (a === null || b === null) {
        return null;
      }
      if (a.depth >= b.depth) {
        a = a.above;
      } else {
        b = b.above;
      }
    }
    return a;
  };
  for (const [i, { inputs, isKnown }] of nodes.entries()) {
    if (!isKnown) {
      at.push(null);
      continue;
    }
    const [first, ...others] = inputs.map((input) => at[input] ?? entry(input));
    const above = others.reduce<Junction | null>((all, other) => common(all, other), first ?? null);
    at.push({ number: i, above, depth: above === null ? 0 : above.depth + 1 });
  }
  return at;
}

/** The nodes on all ways from `entry` to `exit`, in order. */
function between(nodes: readonly PlanNode[], entry: number, exit: number): number[] {
  const found = new Set([exit]);
  const open = [exit];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const input of at(nodes, next).inputs) {
      if (input === entry || found.has(input)) {
        continue;
      }
      found.add(input);
      open.push(input);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Whether nothing within is wanted by anybody outside. */
function isClosed(
  nodes: readonly PlanNode[],
  readers: readonly ReadonlySet<number>[],
  region: readonly number[],
): boolean {
  const own = new Set(region);
  return region.every((i, place) => {
    if (place === region.length - 1) {
      return true;
    }
    const { isKept } = at(nodes, i);
    return !isKept && [...at(readers, i)].every((reader) => own.has(reader));
  });
}

/** Who reads each node. */
function readersOf(nodes: readonly PlanNode[]): ReadonlySet<number>[] {
  const readers = nodes.map(() => new Set<number>());
  for (const [i, { inputs }] of nodes.entries()) {
    for (const input of inputs) {
      readers[input]?.add(i);
    }
  }
  return readers;
}

/**
 * Steps that come to the same as the nodes, in order.
 *
 * @param given the nodes in the order in which they were called
 * @param externals shapes of what is given from outside
 * @param training whether a gradient is recorded
 */
export function planOf(
  given: readonly PlanNode[],
  externals: readonly (readonly number[])[],
  training: boolean,
): Step[] {
  const nodes = training ? given : withoutInverted(given);
  const junctions = junctionsOf(nodes);
  const readers = readersOf(nodes);
  const shapeOf = (number: number): readonly number[] => {
    if (number < 0) {
      return at(externals, -1 - number);
    }
    const { node, place } = outputOf(number);
    return at(at(nodes, node).shapes, place);
  };
  const isDone = nodes.map(() => false);
  const programs: ProgramStep[] = [];
  const alone: number[] = [];
  const add = (region: Region, pays: boolean) => {
    const built = pays && keepsSomething(region) ? lowerRegion(region, training) : null;
    const { entry, numbers, exit } = region;
    if (built !== null && canRun(built, at(region.entryShape, 0), training)) {
      programs.push({ entry, nodes: numbers, exit, built });
    } else {
      alone.push(...numbers);
    }
    for (const number of numbers) {
      isDone[number] = true;
    }
  };
  for (let exit = nodes.length - 1; exit >= 0; exit--) {
    if (isDone[exit]) {
      continue;
    }
    const junction = junctions[exit];
    if (junction === null || junction === undefined || junction.above === null) {
      alone.push(exit);
      continue;
    }
    // The pieces between one junction and the next, from the end.
    const pieces: Region[] = [];
    const region = (from: number, to: number): Region => {
      const numbers = between(nodes, from, to);
      return { entry: from, numbers, exit: to, nodes, entryShape: shapeOf(from) };
    };
    let to = junction.number;
    for (let above: Junction | null = junction.above; above !== null; above = above.above) {
      const piece = region(above.number, to);
      if (!isClosed(nodes, readers, piece.numbers)) {
        break;
      }
      // What is beyond a junction that others read can still be part of a program that ends there.
      pieces.push(piece);
      to = above.number;
      if (to < 0 || !canGoOn(nodes, readers, to, piece)) {
        break;
      }
    }
    if (pieces.length === 0) {
      alone.push(exit);
      continue;
    }
    for (const { entry, exit: end, pays } of joined(pieces, training)) {
      add(region(entry, end), pays);
    }
  }
  const inOrder = alone.sort((a, b) => a - b);
  const chains = chainsOf(nodes, inOrder, training);
  const steps = training ? chains : joinInverted(nodes, chains);
  return [...programs, ...steps.map((chain) => ({ ...chain, exit: at(chain.nodes, -1) }))].sort(
    (a, b) => a.exit - b.exit,
  );
}

/** Keeps inverted residual blocks, which run as one, out of programs. */
function withoutInverted(nodes: readonly PlanNode[]): readonly PlanNode[] {
  const chains = chainsOf(nodes, [...nodes.keys()], false);
  const own = new Set(invertedBlocks(nodes, chains).flatMap((parts) => parts.flatMap((part) => part.nodes)));
  return own.size === 0 ? nodes : nodes.map((node, i) => (own.has(i) ? { ...node, isKnown: false } : node));
}

/** Whether the engine takes a program: some graphs are more than its programs can be. */
function canRun({ program, parameters, running }: BuiltProgram, batch: number, training: boolean): boolean {
  const use = { parameters: parameters.length, running: running.length, training, batch };
  return refusalOf(program, use) === undefined;
}

/** Whether a program may lead on through a junction: it has nobody outside who wants it. */
function canGoOn(
  nodes: readonly PlanNode[],
  readers: readonly ReadonlySet<number>[],
  number: number,
  behind: Region,
): boolean {
  const node = nodes[number];
  const own = new Set(behind.numbers);
  return node?.isKnown === true && !node.isKept && [...at(readers, number)].every((reader) => own.has(reader));
}

/** Pieces one behind the other, and whether they are a program. */
interface Stretch {
  entry: number;
  readonly exit: number;
  readonly pays: boolean;
}

/**
 * Pieces one behind the other that are all worth a program, as one; from the end. In evaluation a convolution that runs by itself takes the normalisation and the
 * activation behind it along, so that they do not begin a program.
 */
function joined(pieces: readonly Region[], training: boolean): Stretch[] {
  const pay = pieces.map(paysAsProgram);
  for (let i = pieces.length - 1; i >= 0 && !training; i--) {
    if (isTakenAlong(at(pieces, i))) {
      pay[i] = pay[i + 1] ?? (at(pay, i) && !endsAlone(at(pieces, i)));
    }
  }
  const runs: Stretch[] = [];
  for (const [i, piece] of pieces.entries()) {
    const pays = at(pay, i);
    const last = runs.at(-1);
    if (last?.pays === pays) {
      last.entry = piece.entry;
    } else {
      runs.push({ entry: piece.entry, exit: piece.exit, pays });
    }
  }
  return runs;
}

/** Whether a piece is behind a node that runs by itself and leads to nothing else. */
function endsAlone({ entry, numbers, nodes }: Region): boolean {
  return entry >= 0 && nodes[entry]?.isKnown === false && onlyReaders(nodes)(entry) === numbers[0];
}

/** Whether a piece is a normalisation right behind a convolution, or an activation behind either. */
function isTakenAlong({ entry, numbers, nodes }: Region): boolean {
  const before = nodes[entry]?.operation.kind;
  const [operation] = numbers.map((number) => at(nodes, number).operation);
  const isActivation = operation !== undefined && activationOf(operation) !== undefined;
  return (
    numbers.length === 1 &&
    (before === "convolution"
      ? isActivation || operation?.kind === "normalisation"
      : before === "normalisation" && isActivation)
  );
}
