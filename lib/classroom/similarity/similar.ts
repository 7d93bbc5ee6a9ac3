/** Which submissions are alike in what their students wrote. A hint where to look, and nothing more. */
import type { Answer, Result } from "../results/index.ts";
import { tokensOf } from "./tokens.ts";
import { allHashesOf, fingerprintsOf } from "./winnow.ts";

export interface SimilarPair {
  readonly students: readonly [string, string];
  /** Fingerprints that both have, of those of the one that has fewer. */
  readonly share: number;
  /** How many those are. */
  readonly shared: number;
}

export interface SimilarityOptions {
  /** The least share that is told; 0.5. */
  readonly least?: number;
}

/** Fewer fingerprints say nothing: an answer of a few lines has one right form. */
const fewest = 8;
/** What so many have, they have from the lecture. */
const common = 0.5;
/** From how many submissions on that can be told. */
const crowd = 6;

/**
 * The pairs of submissions that share most, the most alike first. What the assignment gave to everybody is left out, and what half of a class has in common.
 *
 * @param results Results of one assignment, with their answers.
 */
export function similarPairs(results: readonly Result[], { least = 0.5 }: SimilarityOptions = {}): SimilarPair[] {
  const given = new Set<number>();
  for (const { answers = [] } of results) {
    for (const { given: source } of answers.filter(isCode)) {
      for (const hash of allHashesOf(tokensOf(source ?? ""))) {
        given.add(hash);
      }
    }
  }
  const prints = results.map((result) => printsOf(result, given));
  const owners = new Map<number, number[]>();
  for (const [i, set] of prints.entries()) {
    for (const hash of set) {
      const list = owners.get(hash) ?? [];
      list.push(i);
      owners.set(hash, list);
    }
  }
  const shared = new Map<number, number>();
  for (const [hash, list] of owners) {
    if (results.length >= crowd && list.length > common * results.length) {
      for (const i of list) {
        prints[i]?.delete(hash);
      }
      continue;
    }
    for (const [at, i] of list.entries()) {
      for (const j of list.slice(at + 1)) {
        const key = i * results.length + j;
        shared.set(key, (shared.get(key) ?? 0) + 1);
      }
    }
  }
  return [...shared]
    .flatMap(([key, count]): SimilarPair[] => {
      const [i, j] = [Math.floor(key / results.length), key % results.length];
      const size = Math.min(prints[i]?.size ?? 0, prints[j]?.size ?? 0);
      const share = count / size;
      return size < fewest || share < least
        ? []
        : [{ students: [results[i]?.student ?? "", results[j]?.student ?? ""], share, shared: count }];
    })
    .toSorted((a, b) => b.share - a.share || b.shared - a.shared);
}

function isCode({ type }: Answer): boolean {
  return type === "code";
}

function printsOf({ answers = [] }: Result, given: ReadonlySet<number>): Set<number> {
  const prints = new Set<number>();
  for (const { source } of answers.filter(isCode)) {
    for (const hash of fingerprintsOf(tokensOf(source))) {
      if (!given.has(hash)) {
        prints.add(hash);
      }
    }
  }
  return prints;
}
