/** The project that cells are checked in: what the notebook folder's tsconfig.json says, and what cells need. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { EmitOptions } from "../compile/remove-types.ts";
import { type CompilerOptions, customConditions, emitOptions, readProject } from "../modules/project.ts";
import { ambientFiles } from "./ambient.ts";

export interface NotebookConfig {
  /** Text of a tsconfig.json for the notebook's folder, with the cells as its files. */
  readonly project: string;
  /** The same for a notebook that was written for tslab, without the strict checks; undefined where the folder has a tsconfig.json. */
  readonly looseProject: string | undefined;
  readonly emit: EmitOptions;
  /** The user's file; undefined where there is none. */
  readonly file: string | undefined;
  /** Whether the checker reads JavaScript, too. */
  readonly javascript: boolean;
  /** Whether TypeScript's declarations of pages are read: the user's file says so, or names no library. */
  readonly hasPages: boolean;
  /** What is wrong with the user's file, which is then left out. */
  readonly problem: string | undefined;
  /** Codes of errors that are none here. */
  readonly tolerated: ReadonlySet<number>;
}

/** Without a tsconfig.json, beside the standard library that the running version of Node has. */
const defaults: CompilerOptions = { strict: true, jsx: "react" };

/**
 * Without a tsconfig.json, what has no type annotation needs none: these say that something is implicitly any. The option
 * noImplicitAny stays on, for without it `const losses = []` is an array of nothing for ever.
 */
const implicitAny: ReadonlySet<number> = new Set([
  7005, 7006, 7008, 7009, 7010, 7011, 7012, 7013, 7014, 7015, 7017, 7018, 7019, 7020, 7022, 7023, 7024, 7025, 7026,
  7031, 7032, 7033, 7034, 7051, 7052, 7053, 7055, 7057,
]);

/** What a cell needs whatever the user's file says: it is a module that is never emitted and may await at its top. */
const needed: CompilerOptions = {
  module: "esnext",
  moduleResolution: "bundler",
  moduleDetection: "force",
  target: "esnext",
  noEmit: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  esModuleInterop: true,
  skipLibCheck: true,
  composite: false,
  incremental: false,
  declaration: false,
  isolatedModules: false,
  isolatedDeclarations: false,
  verbatimModuleSyntax: false,
  erasableSyntaxOnly: false,
  rewriteRelativeImportExtensions: false,
  noUnusedLocals: false,
  noUnusedParameters: false,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
};

/** TypeScript's names for what JavaScript has in a version of Node. */
function libraryOf(major: number): string[] {
  if (major >= 24) {
    return ["esnext"];
  }
  const syntax = ["esnext.decorators", "esnext.disposable"];
  return major >= 22
    ? ["es2024", "es2025.collection", "es2025.iterator", "esnext.array", ...syntax]
    : ["es2023", "es2024.regexp", "es2024.string", ...syntax];
}

/** Options about the place of emitted files, which the cells have none of. */
const dropped = ["rootDir", "outDir", "outFile", "declarationDir", "tsBuildInfoFile", "sourceMap", "declarationMap"];

/**
 * Makes the project of a notebook's folder.
 *
 * @param folder The notebook's folder.
 * @param files The cells' documents, absolute.
 * @param node The version of Node that runs the cells.
 */
export function notebookConfig(
  folder: string,
  files: readonly string[],
  node: string = process.versions.node,
): NotebookConfig {
  const major = Number.parseInt(node, 10);
  const { file, options: user, problem } = readProject(folder);
  const own = file !== undefined;
  const options: CompilerOptions = { ...(own ? {} : { ...defaults, lib: libraryOf(major) }), ...user };
  const nodeTypes = nodeTypesFor(folder, major);
  const ambient = ambientFiles(file);
  for (const name of dropped) {
    delete options[name];
  }
  const project = {
    compilerOptions: {
      types: nodeTypes.types,
      ...options,
      ...needed,
      // What they refer to as "node" are they themselves. Other declarations beside them, such as an installed @types/node of
      // the same version, would be a second name for the same package, and the checker would read all again with each change.
      ...(nodeTypes.root !== undefined && { typeRoots: [nodeTypes.root, ...((options.typeRoots as string[]) ?? [])] }),
      // Node resolves with its own condition too.
      customConditions: ["node", ...customConditions(user)],
    },
    files: [...files, ...nodeTypes.files, ...ambient.files],
    include: ambient.include,
    ...(ambient.exclude !== undefined && { exclude: ambient.exclude }),
    // Nothing is fetched behind the user's back.
    typeAcquisition: { enable: false },
  };
  // noImplicitAny stays on for the sake of empty arrays.
  const loose = { ...project.compilerOptions, strict: false, noImplicitAny: true };
  return {
    project: JSON.stringify(project),
    looseProject: own ? undefined : JSON.stringify({ ...project, compilerOptions: loose }),
    emit: emitOptions(options),
    file,
    javascript: options.allowJs === true || options.checkJs === true,
    hasPages: !Array.isArray(options.lib) || options.lib.some((name) => /^(dom|webworker)/i.test(String(name))),
    problem,
    tolerated: own ? new Set() : implicitAny,
  };
}

/**
 * The versions of Node whose declarations this package brings, newest first. They do not lie under `@types`, where every
 * project that has this package among its modules would read them, all three.
 */
const versionsWithTypes = [24, 22, 20];

/**
 * Node's declarations: the user's own where there are some that this TypeScript can read, else those that this package brings for
 * the version or one before.
 */
function nodeTypesFor(folder: string, major: number): { types: string[]; files: string[]; root?: string } {
  const installed = manifestOf("@types/node", join(folder, "cell.mjs"));
  if (installed !== undefined && !isOutdated(installed)) {
    return { types: ["node"], files: [] };
  }
  const version = versionsWithTypes.find((one) => one <= major) ?? versionsWithTypes.at(-1);
  const brought = manifestOf(`@node-types-${version}/node`, import.meta.url);
  if (brought === undefined) {
    return { types: installed === undefined ? [] : ["node"], files: [] };
  }
  const declarations = dirname(brought);
  return { types: [], files: [join(declarations, "index.d.ts")], root: dirname(declarations) };
}

/** The package.json of a package as it is found from a file. */
function manifestOf(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`);
  } catch {
    return undefined;
  }
}

/**
 * Whether declarations of Node are older than TypeScript 5.7, which changed typed arrays: with them no Buffer is a Uint8Array.
 * Mostly nobody chose them; an old package depends on them. Those that were made for both have a file for the difference.
 */
function isOutdated(manifest: string): boolean {
  try {
    const { version }: { version: string } = JSON.parse(readFileSync(manifest, "utf8"));
    return Number.parseInt(version, 10) <= 22 && !existsSync(join(dirname(manifest), "buffer.buffer.d.ts"));
  } catch {
    return false;
  }
}
