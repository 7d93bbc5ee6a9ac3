/** Where Python's imports lead: modules and packages beside the notebook, and those that its interpreter has. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import { isFile, isFolder } from "../files.ts";
import type { PythonImport } from "./scan.ts";

/** The files and folders that an import may mean: the whole of a package, because its parts import each other. */
export function pythonFiles({ module, names }: PythonImport, from: string, roots: readonly string[]): string[] {
  const dots = /^\.*/.exec(module)?.[0].length ?? 0;
  const parts = module
    .slice(dots)
    .split(".")
    .filter((part) => part !== "");
  if (dots === 0) {
    const top = parts[0];
    return top === undefined ? [] : roots.flatMap((root) => inRoot(root, top));
  }
  // One dot is the file's own package, each further one the package around it.
  let base = from;
  for (let level = 1; level < dots; level++) {
    base = dirname(base);
  }
  const [top] = parts;
  return top === undefined ? names.flatMap((name) => inRoot(base, name)) : inRoot(base, top);
}

/** Modules called so in a folder: sources, compiled ones, packages with and without an `__init__.py`. */
function inRoot(root: string, name: string): string[] {
  const folder = join(root, name);
  let entries: string[];
  try {
    entries = readdirSync(root);
  } catch {
    return [];
  }
  const files = entries.filter((entry) => parse(entry).name.split(".")[0] === name && /\.(py|so|pyd)$/.test(entry));
  return [...files.map((entry) => join(root, entry)).filter(isFile), ...(isFolder(folder) ? [folder] : [])];
}

/** What an interpreter says of itself and of modules. */
export interface PythonInstallation {
  readonly identity: string;
  /** Of each module that was asked for and is there: its file, or the folders of its package. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  /** Folders in which modules are installed; what lies elsewhere is somebody's own source. */
  readonly installed: readonly string[];
}

/** Imports nothing but Python's own modules: a top-level name is looked for, not loaded. */
const question = `
import importlib.util, json, os, sys, sysconfig
sys.path = [p for p in sys.path if p not in ("", os.getcwd())]
found = {}
for name in json.loads(sys.argv[1]):
    try:
        spec = importlib.util.find_spec(name)
    except Exception:
        spec = None
    if spec is not None:
        places = list(spec.submodule_search_locations or [])
        found[name] = places or ([spec.origin] if spec.origin and os.path.exists(spec.origin) else [])
paths = [p for p in sys.path if os.path.isdir(p)]
names = sorted(e for p in paths for e in os.listdir(p) if e.endswith((".dist-info", ".egg-info", ".egg-link", ".pth")))
keys = ("stdlib", "platstdlib", "purelib", "platlib")
own = {sysconfig.get_paths()[k] for k in keys} | {p for p in paths if p.endswith(("site-packages", "dist-packages"))}
print(json.dumps({"identity": json.dumps([sys.version, sys.prefix, sys.path, names]), "modules": found, "installed": sorted(own)}))
`;

/**
 * Asks an interpreter where modules are; undefined where it does not answer.
 *
 * @param command The interpreter, as the kernelspec names it.
 * @param names Top-level names.
 */
export function askPython(
  command: string,
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): PythonInstallation | undefined {
  // In the root folder: Python would load a json.py that lies in the working folder.
  const { stdout, status } = spawnSync(command, ["-c", question, JSON.stringify(names)], {
    cwd: "/",
    env,
    encoding: "utf8",
    timeout: 30_000,
    stdio: ["ignore", "pipe", "ignore"],
  });
  try {
    return status === 0 ? (JSON.parse(stdout) as PythonInstallation) : undefined;
  } catch {
    return undefined;
  }
}
