/**
 * Fingerprints of sequences of tokens, by winnowing: Schleimer, Wilkerson, Aiken, "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003.
 * Of the hashes of all runs of k tokens, the smallest of each window of w is kept: what two texts share over w + k - 1 tokens is found, wherever it stands.
 */

/** Tokens of a run: what is shorter is how everybody writes. */
const run = 12;
/** Runs of a window. */
const window = 5;

/** The fingerprints of a sequence of tokens; none of one that is shorter than a run. */
export function fingerprintsOf(tokens: readonly string[]): Set<number> {
  const hashes: number[] = [];
  for (let i = 0; i + run <= tokens.length; i++) {
    hashes.push(hashOf(tokens, i));
  }
  const kept = new Set<number>();
  for (let i = 0; i + Math.min(window, hashes.length) <= hashes.length && hashes.length > 0; i++) {
    kept.add(Math.min(...hashes.slice(i, i + window)));
  }
  return kept;
}

/** Every hash of a sequence, of which winnowing would keep some: what is to be left out must not depend on what stands around it. */
export function allHashesOf(tokens: readonly string[]): Set<number> {
  const hashes = new Set<number>();
  for (let i = 0; i + run <= tokens.length; i++) {
    hashes.add(hashOf(tokens, i));
  }
  return hashes;
}

/** FNV-1a over the tokens of a run, then mixed: the smallest hash must not depend on how tokens begin. */
function hashOf(tokens: readonly string[], from: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < from + run; i++) {
    const text = tokens[i] as string;
    for (let j = 0; j < text.length; j++) {
      hash = Math.imul(hash ^ text.charCodeAt(j), 0x01000193);
    }
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
