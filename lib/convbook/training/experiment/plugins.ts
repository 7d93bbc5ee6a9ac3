/** Files of the user's that register models and blocks, loaded because a configuration or the command line names them. */
import { readFile, stat } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Loader, PartialMessage, Plugin } from "esbuild";
import { checkText } from "../../arguments/check.ts";
import { expandHome } from "../../files/index.ts";
import { registrationCount } from "../../models/index.ts";

/** What plugins must share with the program that loads them: a second copy would register its models with itself. */
const shared = /^(?:@tensorflow\/tfjs.*|@convbook\/engine)$/;
const own = fileURLToPath(import.meta.url);
/** This package's entry, built or as sources. */
const entry = new URL(own.endsWith(".ts") ? "../../index.ts" : "../../index.js", import.meta.url);

const loaders: Readonly<Record<string, Loader>> = { ts: "ts", mts: "ts", cts: "ts", tsx: "tsx", jsx: "jsx" };

/** What was run already, by file: the same text is not run again, as a module is not that is imported twice. */
const loaded = new Map<string, string>();

/** Packages are left to Node, each as a file that was found from where it is imported; the user's files become one text. */
function resolution(folder: string): Plugin {
  return {
    name: "convbook",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
        if (pluginData === folder || isBuiltin(path) || isAbsolute(path) || kind === "entry-point") {
          return undefined;
        }
        if (path === "convbook") {
          return { path: entry.href, external: true };
        }
        const from = shared.test(path) ? dirname(own) : resolveDir;
        const found = await build.resolve(path, { resolveDir: from, kind, pluginData: folder });
        if (found.errors.length > 0) {
          return { errors: found.errors };
        }
        return { path: pathToFileURL(found.path).href, external: true };
      });
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        const { transform } = await import("esbuild");
        const define = {
          "import.meta.url": JSON.stringify(pathToFileURL(path).href),
          "import.meta.filename": JSON.stringify(path),
          "import.meta.dirname": JSON.stringify(dirname(path)),
        };
        const loader = loaders[path.slice(path.lastIndexOf(".") + 1)] ?? "js";
        const options = { loader, define, sourcefile: path, target: "node20", logLevel: "silent" } as const;
        return transform(await readFile(path, "utf8"), options).then(
          ({ code }) => ({ contents: code, loader: "js" as const }),
          (error: unknown) => ({ errors: messagesOf(error) }),
        );
      });
    },
  };
}

/** The file that a plugin's name means: a path, or a package that is installed where it is named. */
async function fileOf(name: string, folder: string): Promise<string> {
  if (/^[.~]|^\//.test(name) || isAbsolute(name)) {
    const path = resolve(folder, expandHome(name));
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() !== true) {
      throw new Error(`there is no file ${path}`);
    }
    return path;
  }
  const { build } = await import("esbuild");
  let path: string | undefined;
  const find: Plugin = {
    name: "find",
    setup: (build) =>
      build.onResolve({ filter: /.*/ }, async ({ path: asked, pluginData }) => {
        if (pluginData === find) {
          return undefined;
        }
        const found = await build.resolve(asked, { resolveDir: folder, kind: "import-statement", pluginData: find });
        path = found.errors.length > 0 ? undefined : found.path;
        return { path: asked, namespace: "found" };
      }),
  };
  await build({
    entryPoints: [name],
    bundle: true,
    write: false,
    platform: "node",
    logLevel: "silent",
    plugins: [find],
  }).catch(() => undefined);
  if (path === undefined) {
    throw new Error(`no package "${name}" is installed for ${folder}; a file is written with ./ before its name`);
  }
  return path;
}

/** The mistakes that a failed build found. */
function messagesOf(error: unknown): PartialMessage[] {
  return typeof error === "object" && error !== null && "errors" in error && Array.isArray(error.errors)
    ? error.errors
    : [];
}

/** The first of them in a clause, or what else went wrong. */
function reasonOf(error: unknown): string {
  const [first] = messagesOf(error);
  if (first?.text === undefined) {
    return error instanceof Error ? error.message : String(error);
  }
  return first.location?.file ? `${resolve(first.location.file)}:${first.location.line}: ${first.text}` : first.text;
}

/**
 * Runs a file of TypeScript or JavaScript, or a package, that calls `registerModel` or `registerBlock`. What it imports as "convbook" and TensorFlow.js
 * is what this program uses.
 *
 * @param name a path that is seen from the folder, or the name of a package that is installed for it
 * @returns the file
 * @throws {Error} saying in a clause why it cannot be used; also where it registers nothing
 */
export async function loadPlugin(name: string, folder: string): Promise<string> {
  checkText("loadPlugin", "name", name, "the name of a file or a package");
  checkText("loadPlugin", "folder", folder, "the path of a folder");
  const file = await fileOf(name, folder);
  try {
    const text = await textOf(file);
    if (loaded.get(file) === text) {
      return file;
    }
    const before = registrationCount();
    await run(file, text);
    if (registrationCount() === before) {
      throw new Error("it registers no model and no block");
    }
    loaded.set(file, text);
  } catch (error) {
    throw new Error(`${file} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
  return file;
}

/** A file of the user's, with what it imports of his other files, as one text of JavaScript. */
async function textOf(file: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "silent",
    absWorkingDir: dirname(file),
    plugins: [resolution(dirname(file))],
  });
  return outputFiles[0]?.text ?? "";
}

function run(file: string, text: string): Promise<Readonly<Record<string, unknown>>> {
  return import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(`${text}\n//# sourceURL=${file}`)}`);
}

/**
 * Runs a file of TypeScript or JavaScript as plugins are run.
 *
 * @returns what it exports
 * @throws {Error} saying in a clause why it cannot be used
 */
export async function exportsOf(file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await run(file, await textOf(file));
  } catch (error) {
    throw new Error(`${file} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

/** Whether a file lies outside of a folder. */
export function isOutside(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path.startsWith("..") || isAbsolute(path);
}
