/** Where npm is to put packages: as high in `node_modules` as it goes, so that each is there once where one version will do. */
import type { Installed } from "./installed.ts";

/** A package at its place. */
export interface Placed {
  /** As a lockfile says it: `node_modules/a/node_modules/b`. */
  readonly location: string;
  readonly installed: Installed;
  /** True where only packages that may be missing need it. */
  readonly isOptional: boolean;
}

/**
 * Lays out packages.
 *
 * @param roots What the project itself needs.
 * @returns All packages, in the order of their places.
 */
export function layOut(roots: readonly Installed[]): Placed[] {
  const placed = new Map<string, Installed>();
  const firm = new Set<string>();
  const queue: { from: string; name: string; installed: Installed; isFirm: boolean }[] = roots.map((installed) => ({
    from: "",
    name: installed.manifest.name,
    installed,
    isFirm: true,
  }));
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { from, name, installed, isFirm } = next;
    const location = locationFor(name, installed, from, placed);
    const isNew = !placed.has(location);
    // What was optional so far may turn out to be needed, and with it all that it needs.
    if (isNew || (isFirm && !firm.has(location))) {
      placed.set(location, installed);
      if (isFirm) {
        firm.add(location);
      }
      for (const [each, need] of installed.needs) {
        const isOptional = Object.hasOwn(installed.manifest.optionalDependencies ?? {}, each);
        queue.push({ from: location, name: each, installed: need, isFirm: isFirm && !isOptional });
      }
    }
  }
  return [...placed]
    .map(([location, installed]) => ({ location, installed, isOptional: !firm.has(location) }))
    .sort((a, b) => (a.location < b.location ? -1 : 1));
}

/**
 * The place of the same package above, else the highest that is free and not hidden by another version below.
 *
 * @param name By which it is needed: an alias has another one than its package.
 */
function locationFor(name: string, installed: Installed, from: string, placed: ReadonlyMap<string, Installed>): string {
  let free: string | undefined;
  for (const base of basesAbove(from)) {
    const location = `${base === "" ? "" : `${base}/`}node_modules/${name}`;
    const there = placed.get(location);
    if (there?.folder === installed.folder) {
      return location;
    }
    if (there !== undefined) {
      break;
    }
    free = location;
  }
  return free ?? `${from}/node_modules/${name}`;
}

/** A place and those around it, from the inside out; the last is the project. */
function* basesAbove(location: string): Generator<string> {
  for (let base = location; base !== ""; ) {
    yield base;
    const end = base.lastIndexOf("/node_modules/");
    base = end < 0 ? "" : base.slice(0, end);
  }
  yield "";
}
