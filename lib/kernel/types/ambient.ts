/** The declarations that belong to a project without being imported: its `*.d.ts`, which say what is global. */
import { dirname, isAbsolute, join } from "node:path";
import { type ConfigFile, findBase, readConfig } from "../modules/project.ts";

/** Files of a project in a tsconfig.json's terms, absolute. */
export interface AmbientFiles {
  readonly files: readonly string[];
  readonly include: readonly string[];
  /** Undefined where the compiler's own default holds. */
  readonly exclude: readonly string[] | undefined;
}

const nothing: AmbientFiles = { files: [], include: [], exclude: undefined };

const declarationName = /\.d\.[cm]?ts$/;

/**
 * Of the files that a tsconfig.json names in `files`, `include` and `exclude` those that are declarations. Everything else of a project concerns a
 * notebook where it imports it.
 *
 * @param file The tsconfig.json; undefined where there is none, or it cannot be used.
 */
export function ambientFiles(file: string | undefined): AmbientFiles {
  if (file === undefined) {
    return nothing;
  }
  const { files, include, exclude, outputs } = listsOf(file, dirname(file), new Set());
  return {
    files: (files ?? []).filter((name) => declarationName.test(name)),
    include: (include ?? (files === undefined ? [join(dirname(file), "**/*")] : [])).flatMap(declarationsIn),
    // Where nothing is excluded the compiler leaves out what it wrote itself, which it is not told of here.
    exclude: exclude ?? (outputs.length === 0 ? undefined : [...packages, ...outputs]),
  };
}

const packages = ["**/node_modules", "**/bower_components", "**/jspm_packages"];

interface Lists {
  readonly files?: readonly string[] | undefined;
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Folders of emitted files. */
  readonly outputs: readonly string[];
}

/** A file's lists, or those of what it extends, as seen from the file that has them. */
function listsOf(file: string, top: string, seen: ReadonlySet<string>): Lists {
  let config: ConfigFile;
  try {
    config = readConfig(file);
  } catch {
    return { outputs: [] };
  }
  let inherited: Lists = { outputs: [] };
  for (const base of [config.extends].flat()) {
    const found = typeof base === "string" ? findBase(base, file) : undefined;
    if (found !== undefined && !seen.has(found)) {
      const more = listsOf(found, top, new Set([...seen, file]));
      inherited = {
        files: more.files ?? inherited.files,
        include: more.include ?? inherited.include,
        exclude: more.exclude ?? inherited.exclude,
        outputs: more.outputs.length > 0 ? more.outputs : inherited.outputs,
      };
    }
  }
  const place = (names: unknown) =>
    Array.isArray(names) ? names.filter((name) => typeof name === "string").map((name) => at(name)) : undefined;
  const at = (name: string) => {
    const path = name.replaceAll("$" + "{configDir}", top);
    return isAbsolute(path) ? path : join(dirname(file), path);
  };
  const { outDir, declarationDir } = config.compilerOptions ?? {};
  const outputs = [outDir, declarationDir].filter((name) => typeof name === "string").map(at);
  return {
    files: place(config.files) ?? inherited.files,
    include: place(config.include) ?? inherited.include,
    exclude: place(config.exclude) ?? inherited.exclude,
    outputs: outputs.length > 0 ? outputs : inherited.outputs,
  };
}

/** The declarations among what a pattern of `include` means: `src` and `src/*` are every source, `src/*.ts` those with that ending. */
function declarationsIn(pattern: string): string[] {
  const plain = pattern.replaceAll("\\", "/").replace(/\/$/, "");
  if (declarationName.test(plain)) {
    return [plain];
  }
  const last = plain.slice(plain.lastIndexOf("/") + 1);
  const folder = plain.slice(0, plain.length - last.length);
  if (!/[*?.]/.test(last)) {
    return endings.map((ending) => `${plain}/**/*.d.${ending}`);
  }
  if (/\*$/.test(last)) {
    return endings.map((ending) => `${folder}${last.replace(/\.\*$/, "")}.d.${ending}`);
  }
  const ending = endings.find((one) => last.endsWith(`.${one}`));
  return ending === undefined || !/[*?]/.test(last) ? [] : [`${folder}${last.slice(0, -ending.length)}d.${ending}`];
}

const endings = ["ts", "mts", "cts"];
