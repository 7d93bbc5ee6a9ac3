/** Programs that tests start: TypeScript that runs on what `npm run build` made, as a user's program does, without compiling anything in each process. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "lib");
/** Below the repository, where Node finds its packages. */
const cache = join(root, "node_modules/.cache");

/** Sources of our packages are not compiled again: they are imported from beside the package's own build. */
const packages: Plugin = {
  name: "packages",
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const file = resolve(resolveDir, path);
      if (!file.startsWith(lib + sep)) {
        return undefined;
      }
      const [name = "", ...rest] = relative(lib, file).split(sep);
      const made = join(lib, name, "dist", ...rest).replace(/\.ts$/, ".js");
      if (!existsSync(made)) {
        return { errors: [{ text: `${made} is not there: \`npm run build\` makes it` }] };
      }
      return { path: pathToFileURL(made).href, external: true };
    });
  },
};

let folder: string | undefined;
const programs = new Map<string, Promise<string>>();

/**
 * A program's JavaScript, with the test's own modules that it imports; it is there until the process ends.
 *
 * @param source The program's file, TypeScript.
 * @returns The file for `node FILE`.
 * @throws Error for a program that does not compile, or one of an imported package that is not built
 */
export function builtProgram(source: string): Promise<string> {
  const made = programs.get(source) ?? compile(source);
  programs.set(source, made);
  return made;
}

async function compile(source: string): Promise<string> {
  if (folder === undefined) {
    mkdirSync(cache, { recursive: true });
    const own = mkdtempSync(join(cache, "programs-"));
    process.once("exit", () => rmSync(own, { recursive: true, force: true }));
    folder = own;
  }
  const outfile = join(folder, `${basename(source, ".ts")}.mjs`);
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    plugins: [packages],
    logLevel: "silent",
  });
  return outfile;
}
