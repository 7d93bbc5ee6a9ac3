/** Names that somebody typed: which were probably meant, and the error for those that do not exist. */
import { describeValue } from "./describe.ts";
import { OptionError } from "./option-error.ts";

/** A name: any will do for the types, and editors offer those that are known. What is not known where the program runs is refused there. */
export type NameLike<Known extends string> = Known | (string & Readonly<Record<never, never>>);

/** Number of single-character insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Longer names are not compared: no slip makes them, and hostile files may hold megabytes of one. */
const longestName = 200;

/** A name as it is printed: the beginning of a very long one. */
export const shortened = (name: string) => (name.length > longestName ? `${name.slice(0, longestName)}...` : name);

/**
 * The names among `known` that somebody who typed `name` may have meant, nearest first.
 *
 * Case, hyphens and underscores do not count; a name that contains the other is near; the rest must lie within a third of its length.
 *
 * @param name what was typed
 * @param known the names that exist
 * @param limit how many to return at most
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  if (typeof name !== "string") {
    throw new OptionError("nearestNames", "name", name, "a string");
  }
  if (typeof known?.[Symbol.iterator] !== "function") {
    throw new OptionError("nearestNames", "known", known, "a list of names");
  }
  if (typeof limit !== "number" || !(limit >= 0)) {
    throw new OptionError("nearestNames", "limit", limit, "a number of at least 0");
  }
  if (name.length > longestName) {
    return [];
  }
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  const typed = plain(name);
  const scored: { candidate: string; distance: number }[] = [];
  for (const candidate of known) {
    if (candidate.length > longestName) {
      continue;
    }
    const other = plain(candidate);
    const distance = editDistance(typed, other);
    const contained = Math.min(typed.length, other.length) >= 3 && (other.includes(typed) || typed.includes(other));
    if (contained) {
      scored.push({ candidate, distance: Math.min(distance, 1 + distance / 100) });
    } else if (distance <= Math.max(1, Math.floor(Math.max(typed.length, other.length) / 3))) {
      scored.push({ candidate, distance });
    }
  }
  return scored
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limit)
    .map((entry) => entry.candidate);
}

/** A name (of a model, an activation, an option ...) that does not exist. */
export class UnknownNameError extends Error {
  /** What kind of thing was named, for example "activation". */
  readonly kind: string;
  /** The name that was given. */
  readonly given: string;
  /** All names that exist. */
  readonly known: readonly string[];
  /** The nearest of them. */
  readonly nearest: readonly string[];

  /**
   * @param kind what kind of thing was named
   * @param given what was given: a name, or what is no name at all
   * @param known the names that exist
   */
  constructor(kind: string, given: unknown, known: Iterable<string>) {
    const all = [...known];
    const name = typeof given === "string" ? given : describeValue(given);
    const nearest = typeof given === "string" ? nearestNames(given, all) : [];
    const shown = typeof given === "string" ? `"${shortened(given)}"` : name;
    const hint = nearest.length > 0 ? ` Did you mean ${nearest.map((n) => `"${n}"`).join(" or ")}?` : "";
    super(`Unknown ${kind} ${shown}.${hint} Known: ${all.join(", ")}.`);
    this.name = "UnknownNameError";
    this.kind = kind;
    this.given = name;
    this.known = all;
    this.nearest = nearest;
  }
}
