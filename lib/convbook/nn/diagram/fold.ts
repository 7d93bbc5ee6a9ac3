/** Finds what is repeated in a row: blocks that are alike, one behind the other, are drawn once. */
import { found } from "../../arguments/found.ts";
import type { Group, Leaf, Step, Value } from "./record.ts";

/** How often something is repeated. */
export interface Repeat {
  readonly count: number;
  /** Whether widths are the same, too. */
  readonly isSame: boolean;
  /** Whether the very same layers are called each time. */
  readonly isShared: boolean;
  /** Name of the last. */
  readonly lastName: string;
}

/** A group with what is drawn of it. */
export interface Branch {
  readonly kind: "branch";
  /** Null for several steps that are repeated together. */
  readonly group: Group | null;
  readonly parts: readonly Node[];
  readonly repeat: Repeat | null;
}

export type Node = Leaf | Branch;

/** What is left to draw. */
export interface Folded {
  readonly root: Branch;
  /** For layers that are not drawn the ones that are drawn in their place. */
  readonly stands: ReadonlyMap<Leaf, Leaf>;
}

const longestPattern = 12;

/** All layers in steps, in order. */
export function leavesOf(steps: readonly Step[]): Leaf[] {
  return steps.flatMap((step) => (step.kind === "leaf" ? [step] : leavesOf(step.steps)));
}

/** @param outputs what the whole gives, which is used although no step reads it */
export function fold(model: Group, outputs: readonly Value[]): Folded {
  const readers = new Map<Value, Leaf[]>();
  for (const leaf of leavesOf([model])) {
    for (const value of leaf.inputs) {
      readers.set(value, [...(readers.get(value) ?? []), leaf]);
    }
  }
  const given = new Set(outputs);
  const stands = new Map<Leaf, Leaf>();

  /** The one value that steps read from outside, and the one that others read of theirs; null where there are more. */
  const ends = (steps: readonly Step[]): { readonly from: Value; readonly to: Value } | null => {
    const leaves = new Set(leavesOf(steps));
    const from = new Set<Value>();
    const to = new Set<Value>();
    for (const leaf of leaves) {
      for (const value of leaf.inputs) {
        if (value.maker === null || !leaves.has(value.maker)) {
          from.add(value);
        }
      }
      for (const value of leaf.outputs) {
        if (given.has(value) || (readers.get(value) ?? []).some((reader) => !leaves.has(reader))) {
          to.add(value);
        }
      }
    }
    const [first] = from;
    const [last] = to;
    return from.size === 1 && to.size === 1 && first !== undefined && last !== undefined
      ? { from: first, to: last }
      : null;
  };

  /** How often the steps from `start` on are repeated, `length` at a time. */
  const repeats = (steps: readonly Step[], start: number, length: number): number => {
    const pattern = steps.slice(start, start + length);
    const wanted = signature(pattern, false);
    let before = ends(pattern);
    let count = before === null ? 0 : 1;
    for (let at = start + length; count > 0 && at + length <= steps.length; at += length) {
      const next = steps.slice(at, at + length);
      const now = ends(next);
      const isNext = now !== null && before?.to === now.from && readersAreIn(now.from, next);
      if (!isNext || signature(next, false) !== wanted) {
        break;
      }
      before = now;
      count++;
    }
    return count;
  };
  const readersAreIn = (value: Value, steps: readonly Step[]) => {
    const leaves = new Set(leavesOf(steps));
    return !given.has(value) && (readers.get(value) ?? []).every((reader) => leaves.has(reader));
  };

  /** The best pattern that begins at a step: the one that saves most, the shorter one of equals. */
  const bestAt = (steps: readonly Step[], start: number): { length: number; count: number } | null => {
    let best: { length: number; count: number } | null = null;
    let saved = 0;
    for (let length = 1; length <= Math.min(longestPattern, Math.floor((steps.length - start) / 2)); length++) {
      const pattern = steps.slice(start, start + length);
      const hasBlocks = pattern.some(({ kind }) => kind === "group");
      const count = repeats(steps, start, length);
      // Layers alone are worth it only where the row is long.
      const isWorthIt = hasBlocks ? count >= 2 : length >= 2 && count >= 3;
      // Where as many begin with a block, a little later, they are easier to read.
      const later = pattern.findIndex(({ kind }) => kind === "group");
      if (later > 0 && repeats(steps, start + later, length) >= count) {
        continue;
      }
      if (isWorthIt && (count - 1) * length > saved) {
        saved = (count - 1) * length;
        best = { length, count };
      }
    }
    return best;
  };

  const nodesOf = (all: readonly Step[]): Node[] => {
    const steps = all.filter((step) => leavesOf([step]).length > 0);
    const nodes: Node[] = [];
    for (let at = 0; at < steps.length; ) {
      const best = bestAt(steps, at);
      if (best === null) {
        const step = found(steps[at], "A step");
        nodes.push(step.kind === "leaf" ? step : branch(step, null));
        at++;
        continue;
      }
      const { length, count } = best;
      const pattern = steps.slice(at, at + length);
      const last = steps.slice(at + (count - 1) * length, at + count * length);
      const [drawn, standIn] = [leavesOf(pattern), leavesOf(last)];
      standIn.forEach((leaf, i) => {
        stands.set(leaf, found(drawn[i], "A layer"));
      });
      const everything = steps.slice(at, at + count * length);
      const repeat: Repeat = {
        count,
        isSame: signature(last, true) === signature(pattern, true),
        isShared: new Set(modulesOf(everything)).size === new Set(modulesOf(pattern)).size,
        lastName: last.find(({ kind }) => kind === "group")?.name ?? "",
      };
      const [only] = pattern;
      nodes.push(
        length === 1 && only?.kind === "group"
          ? branch(only, repeat)
          : { kind: "branch", group: null, parts: nodesOf(pattern), repeat },
      );
      at += count * length;
    }
    return nodes;
  };
  const branch = (group: Group, repeat: Repeat | null): Branch => ({
    kind: "branch",
    group,
    parts: nodesOf(group.steps),
    repeat,
  });
  return { root: branch(model, null), stands };
}

function modulesOf(steps: readonly Step[]): object[] {
  return leavesOf(steps).flatMap(({ module }) => (module === null ? [] : [module]));
}

/** What steps are, in a string; with `exact`, widths and sizes count, otherwise only the sizes of pictures do. */
function signature(steps: readonly Step[], exact: boolean): string {
  const places = new Map<Value, string>();
  let count = 0;
  const write = (step: Step): string => {
    if (step.kind === "group") {
      return `${step.module.typeName}(${step.steps.map(write).join(";")})`;
    }
    const number = count++;
    step.outputs.forEach((value, i) => {
      places.set(value, `${number}.${i}`);
    });
    const text = exact ? step.words.text : step.words.text.replace(/,? \d+ → \d+/, "");
    const shapes = step.outputs.map(({ shape }) => (exact || shape.length < 3 ? shape : shape.slice(0, -1)).join("x"));
    return `${text}[${step.inputs.map((value) => places.get(value) ?? "in").join(",")}]${shapes}`;
  };
  return steps.map(write).join(";");
}
