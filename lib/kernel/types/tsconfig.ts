/** The notebook folder's tsconfig.json, and the project that cells are checked in. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import type { EmitOptions } from "../compile/transform.ts";

export interface NotebookConfig {
  /** Text of a tsconfig.json for the notebook's folder, with the cells as its files. */
  readonly project: string;
  /** The same for a notebook that was written for tslab, without the strict checks; undefined where the folder has a tsconfig.json. */
  readonly looseProject: string | undefined;
  readonly emit: EmitOptions;
  /** What is wrong with the user's file, which is then left out. */
  readonly problem: string | undefined;
  /** Codes of errors that are none here. */
  readonly tolerated: ReadonlySet<number>;
}

type CompilerOptions = Record<string, unknown>;

/** Without a tsconfig.json: with the standard library that this version of Node has. */
const defaults: CompilerOptions = { strict: true, lib: libraryOf(process.versions.node), jsx: "react" };

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
  // At run time Node resolves with its default conditions.
  customConditions: [],
};

/** TypeScript's names for what is in a version of Node. */
function libraryOf(node: string): string[] {
  const major = Number.parseInt(node, 10);
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
 */
export function notebookConfig(folder: string, files: readonly string[]): NotebookConfig {
  const file = nearestConfig(folder);
  let user: { extends?: unknown; compilerOptions?: CompilerOptions } = {};
  let problem: string | undefined;
  if (file !== undefined) {
    try {
      user = parseJsonc(readFileSync(file, "utf8")) as typeof user;
      if (typeof user !== "object" || user === null || Array.isArray(user)) {
        throw new SyntaxError("expected an object");
      }
    } catch (error) {
      problem = `${file} cannot be used: ${(error as Error).message}. Cells are checked with the default options.`;
      user = {};
    }
  }
  const own = file !== undefined && problem === undefined;
  const options: CompilerOptions = { ...(own ? {} : defaults), ...user.compilerOptions };
  const nodeTypes = nodeTypesFor(folder);
  if (options.types === undefined && user.extends === undefined) {
    options.types = nodeTypes.types;
  }
  for (const name of dropped) {
    delete options[name];
  }
  const project: Record<string, unknown> = {
    compilerOptions: { ...options, ...needed },
    files: [...files, ...nodeTypes.files],
    include: [],
    // Nothing is fetched behind the user's back.
    typeAcquisition: { enable: false },
  };
  if (own && file !== undefined) {
    // In the notebook's own folder the project takes the file's place; one further up is extended.
    if (dirname(file) === folder) {
      if (user.extends !== undefined) {
        project.extends = user.extends;
      }
    } else {
      project.extends = relativeTo(folder, file);
      project.compilerOptions = { types: nodeTypes.types, ...needed };
    }
  }
  // noImplicitAny stays on for the sake of empty arrays.
  const loose = { ...(project.compilerOptions as CompilerOptions), strict: false, noImplicitAny: true };
  return {
    project: JSON.stringify(project),
    looseProject: own ? undefined : JSON.stringify({ ...project, compilerOptions: loose }),
    emit: emitOptions(options),
    problem,
    tolerated: own ? new Set() : implicitAny,
  };
}

function relativeTo(folder: string, file: string): string {
  const path = relative(folder, file).replaceAll("\\", "/");
  return path.startsWith(".") ? path : `./${path}`;
}

/** The tsconfig.json of the folder, else the nearest further up that covers the folder with its `include`. */
function nearestConfig(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "tsconfig.json");
    if (existsSync(file) && (at === folder || covers(file, folder))) {
      return file;
    }
    if (dirname(at) === at) {
      return undefined;
    }
  }
}

function covers(file: string, folder: string): boolean {
  try {
    const { include, files } = parseJsonc(readFileSync(file, "utf8")) as { include?: string[]; files?: string[] };
    if (include === undefined) {
      return files === undefined;
    }
    const path = relative(dirname(file), join(folder, "cell.ts")).replaceAll("\\", "/");
    return include.some((pattern) => globToRegExp(pattern).test(path));
  } catch {
    return false;
  }
}

function globToRegExp(pattern: string): RegExp {
  const clean = pattern.replace(/^\.\//, "").replace(/\/$/, "");
  const whole = /[*.][^/]*$/.test(clean) ? clean : `${clean}/**/*`;
  const source = whole
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\//g, "\u0000")
    .replace(/\*\*$/g, "\u0001")
    .replace(/\*/g, "[^/]*")
    .replace(/\?/g, "[^/]")
    .replaceAll("\u0000", "(?:.*/)?")
    .replaceAll("\u0001", ".*");
  return new RegExp(`^${source}$`);
}

/** Node's declarations: the user's own where there are, else those that this package brings. */
function nodeTypesFor(folder: string): { types: string[]; files: string[] } {
  try {
    createRequire(join(folder, "cell.mjs")).resolve("@types/node/package.json");
    return { types: ["node"], files: [] };
  } catch {
    try {
      const manifest = createRequire(import.meta.url).resolve("@types/node/package.json");
      return { types: [], files: [join(dirname(manifest), "index.d.ts")] };
    } catch {
      return { types: [], files: [] };
    }
  }
}

function emitOptions(options: CompilerOptions): EmitOptions {
  const names = [
    "experimentalDecorators",
    "useDefineForClassFields",
    "jsxFactory",
    "jsxFragmentFactory",
    "jsxImportSource",
  ];
  const kept = Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
  const jsx = ["react-jsx", "react-jsxdev", "preserve"].find((mode) => mode === options.jsx);
  return { ...kept, ...(jsx !== undefined && { jsx: jsx === "preserve" ? "react" : jsx }) } as EmitOptions;
}

/** JSON with comments and trailing commas, as tsconfig.json allows. */
export function parseJsonc(text: string): unknown {
  const plain = text
    .replace(/^\uFEFF/, "")
    .replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (token) => (token.startsWith('"') ? token : " "))
    .replace(/"(?:[^"\\\n]|\\.)*"|,(?=\s*[\]}])/g, (token) => (token === "," ? "" : token));
  return JSON.parse(plain);
}
