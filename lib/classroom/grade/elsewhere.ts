/** Where else the answers lie: solutions, sources, guides and earlier results are often beside what is graded. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";

/** What {@link elsewhere} looks through. */
export interface Surroundings {
  /** The grader's folder. */
  readonly folder: string;
  /** Its notebooks' paths in it, with "/". */
  readonly notebooks: readonly string[];
  /** Folders in which a teacher works: that of the command, of the submissions, of the results. */
  readonly places: readonly string[];
  /** What the kernel needs: nothing is hidden that leads to it. */
  readonly needed: readonly string[];
}

/** What programs find their packages by. */
const kept = new Set(["node_modules", "package.json", "package-lock.json", "tsconfig.json"]);

/**
 * What lies around the grader and is no submission's business. In folders in which a teacher works that is all but packages; in folders that are
 * others' too (right below the outermost one, a repository of packages, or where packages are installed) it is notebooks of the same names, and
 * folders that hold some.
 *
 * @returns Absolute paths of files and folders.
 */
export function elsewhere({ folder, notebooks, places, needed }: Surroundings): string[] {
  const own = notebooks.map((path) => path.slice(path.lastIndexOf("/") + 1));
  // Earlier results among them, with hidden tests in them.
  const names = new Set([...own, ...own.map((name) => name.replace(/ipynb$/, "graded.ipynb")), "result.json"]);
  const linked = [...new Set([folder, ...places])].flatMap(linkedPackages);
  const isNeeded = (path: string) =>
    [...needed, ...linked].some((each) => each === path || each.startsWith(`${path}${sep}`));
  const around = new Set([dirname(folder), dirname(dirname(folder)), ...places]);
  return [...around].flatMap((place) => {
    const isOwn = isTeachers(place);
    return entries(place)
      .filter(({ name }) => !kept.has(name))
      .filter((entry) => isOwn || (entry.isDirectory() ? holds(join(place, entry.name), names) : names.has(entry.name)))
      .map(({ name }) => join(place, name))
      .filter((path) => !isNeeded(path));
  });
}

/** Whether a folder is one of somebody's own: not one of the system's, none of packages, and no repository whose packages are used from it. */
function isTeachers(place: string): boolean {
  if (dirname(dirname(place)) === dirname(place) || isOfPackages(place)) {
    return false;
  }
  try {
    return !("workspaces" in (JSON.parse(readFileSync(join(place, "package.json"), "utf8")) as object));
  } catch {
    return true;
  }
}

/** Where packages are installed: those of a scope in a folder of its name. */
function isOfPackages(place: string): boolean {
  const inner = basename(place).startsWith("@") ? dirname(place) : place;
  return basename(inner) === "node_modules";
}

/** Where links among the packages lead that a folder's programs find. */
function linkedPackages(folder: string): string[] {
  const found: string[] = [];
  for (let place = folder; dirname(place) !== place; place = dirname(place)) {
    const modules = join(place, "node_modules");
    if (existsSync(modules)) {
      found.push(realpathSync(modules));
      for (const { name } of entries(modules).filter((entry) => entry.name.startsWith("@") || entry.isSymbolicLink())) {
        const inside = name.startsWith("@")
          ? entries(join(modules, name)).map((each) => join(name, each.name))
          : [name];
        found.push(
          ...inside
            .map((each) => join(modules, each))
            .filter(existsSync)
            .map((path) => realpathSync(path)),
        );
      }
    }
  }
  return found;
}

/** Whether a folder, or one in it, holds a notebook of these names. */
function holds(folder: string, names: ReadonlySet<string>, depth = 1): boolean {
  return entries(folder).some((entry) =>
    entry.isDirectory()
      ? depth > 0 && entry.name !== "node_modules" && holds(join(folder, entry.name), names, depth - 1)
      : names.has(entry.name),
  );
}

function entries(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // A folder that cannot be read by the one who grades cannot be read by a submission.
    return [];
  }
}
