/** `convbook class bundle`: a zip with all that a student needs where there is no network. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { readNotebook, writeAtomically } from "nbconvert-ts-runner";
import { ClassroomError } from "../errors.ts";
import { described, kindOf, outputFile, readSettings, settingsFile } from "../source/index.ts";
import { addData } from "./data.ts";
import { installedPackage } from "./installed.ts";
import { addPackages, type Files } from "./packages.ts";
import { readmeFor } from "./readme.ts";

/** What goes into a bundle. */
export interface BundleOptions {
  /** Which variant's notebooks; needed where there are variants. */
  readonly variant?: string | undefined;
  /** Packages that notebooks import; default `convbook`. */
  readonly packages?: readonly string[] | undefined;
  /** Manifests of data and checkpoints. */
  readonly manifests?: readonly string[] | undefined;
  /** The folder of downloads, in which the manifests' files lie. */
  readonly cache?: string | undefined;
}

/** What was bundled. */
export interface Bundled {
  readonly notebooks: readonly string[];
  readonly packages: number;
  /** Bytes of the zip. */
  readonly size: number;
}

/**
 * Bundles an assignment that was made.
 *
 * @param made The folder with `student/` and `grader/`.
 * @param out The zip, written whole or not at all.
 * @throws ClassroomError where nothing was made there, a package is not installed, or data are missing.
 */
export function bundleAssignment(made: string, out: string, options: BundleOptions = {}): Bundled {
  const { variant, packages = ["convbook"], manifests = [], cache } = options;
  outputFile(out);
  const student = studentFolder(made, variant);
  const grader = dirname(student) === resolve(made) ? join(made, "grader") : join(made, "grader", variant ?? "");
  const { title, due } = readSettings(join(grader, settingsFile), "assignment");
  const files: Files = new Map();
  for (const path of filesBelow(student)) {
    files.set(path, readFileSync(join(student, path)));
  }
  const notebooks = [...files.keys()].filter((path) => path.endsWith(".ipynb"));
  if (notebooks.length === 0) {
    throw new ClassroomError(student, "has no notebook; give what convbook class make wrote");
  }
  for (const path of notebooks) {
    readNotebook(join(student, path)); // what is no notebook is handed out to nobody
  }
  if (manifests.length > 0 && cache === undefined) {
    throw new ClassroomError(made, "data are to be bundled, but the folder of downloads is not named");
  }
  for (const manifest of manifests) {
    addData(files, manifest, cache ?? "");
  }
  const from = [process.cwd(), dirname(fileURLToPath(import.meta.url))];
  addPackages(
    files,
    packages.map((name) => installedPackage(name, from)),
    slug(title),
  );
  files.set("README.md", Buffer.from(readmeFor({ title, due, notebooks, hasData: manifests.length > 0 })));
  const zip = zipSync(
    Object.fromEntries(
      [...files].map(([path, contents]) => [path, [contents, { level: /\.(tgz|gz|zip|png)$/.test(path) ? 0 : 6 }]]),
    ),
    { mtime: new Date(1985, 9, 26) },
  );
  writeAtomically(out, zip);
  return {
    notebooks,
    packages: [...files.keys()].filter((path) => path.startsWith("packages/")).length,
    size: zip.length,
  };
}

/** The student's notebooks, of one variant where there are several. */
function studentFolder(made: string, variant: string | undefined): string {
  const student = resolve(made, "student");
  if (!existsSync(student)) {
    const kind = kindOf(made);
    const told = kind === "other" || kind === "nothing" ? "" : `${described[kind]} and `;
    throw new ClassroomError(made, `${told}has no folder student; give what convbook class make wrote`);
  }
  const hasVariants = existsSync(join(made, "grader", "variants.json"));
  const variants = hasVariants ? readdirSync(student) : [];
  if (variant === undefined && hasVariants) {
    throw new ClassroomError(made, `has variants; choose one of them with --variant: ${variants.join(", ")}`);
  }
  if (variant !== undefined && !variants.includes(variant)) {
    const known = hasVariants ? `it has ${variants.join(", ")}` : "it has none";
    throw new ClassroomError(made, `has no variant "${variant}"; ${known}`);
  }
  return variant === undefined ? student : join(student, variant);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

/** A name that npm takes for a project. */
function slug(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "") || "assignment"
  );
}
