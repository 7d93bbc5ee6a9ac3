// `node install/cross.mjs SYSTEM-ARCH`: makes prebuilds/SYSTEM-ARCH/engine.node with a cross compiler of Debian's, from what binding.gyp
// says. For Windows it is the way to the native engine: the sources use GCC's vectors, which Microsoft's compiler does not know.
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildPlan } from "./gyp.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const headers = dirname(createRequire(import.meta.url).resolve("node-api-headers/include/node_api.h"));
const run = promisify(execFile);

/** By folder of prebuilds/: what compiles, the package that it is in, and what is special. */
export const targets = {
  "linux-arm64": {
    compiler: "aarch64-linux-gnu-g++",
    package: "g++-aarch64-linux-gnu",
    arch: "arm64",
    flags: ["-fPIC", "-pthread"],
    link: ["-shared", "-pthread", "-static-libstdc++", "-static-libgcc", "-s"],
    name: "engine.glibc.node",
  },
  "win32-x64": {
    compiler: "x86_64-w64-mingw32-g++-posix",
    package: "g++-mingw-w64-x86-64-posix",
    arch: "x64",
    // GCC aligns the stack to 16 bytes only there, and would move vectors of 32 and 64 to it as if they were aligned.
    flags: ["-Wa,-muse-unaligned-vector-move"],
    link: ["-shared", "-static", "-s"],
    importLibrary: "x86_64-w64-mingw32-dlltool",
    name: "engine.node",
  },
};

/** Runs jobs, as many at a time as there are processors. */
async function together(jobs) {
  const left = [...jobs];
  const worker = async () => {
    for (let job = left.pop(); job !== undefined; job = left.pop()) {
      await job();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/**
 * Builds the module for a system.
 *
 * @param name a key of {@link targets}
 * @param folder where prebuilds/ is to be; the engine's folder unless given
 * @returns the module's path
 */
export async function cross(name, folder = root) {
  const target = targets[name];
  const scratch = mkdtempSync(join(tmpdir(), "convbook-cross-"));
  try {
    const plan = buildPlan(root, { target_arch: target.arch, amx: 0, onednn: 0 });
    const objects = [];
    const jobs = plan.parts.flatMap(({ sources, flags }) =>
      sources.map((source) => {
        const object = join(scratch, `${source.replaceAll("/", "-")}.o`);
        objects.push(object);
        const more = [...plan.flags, ...flags.filter((flag) => flag !== "-fPIC"), ...target.flags, `-I${headers}`];
        return () => run(target.compiler, [...more, "-c", source, "-o", object], { cwd: root, maxBuffer: 64 << 20 });
      }),
    );
    await together(jobs);
    const libraries = [];
    if (target.importLibrary !== undefined) {
      // Node-API's functions are those of the program that loads the module.
      const library = join(scratch, "libnode.a");
      const names = join(headers, "..", "def", "node_api.def");
      await run(target.importLibrary, ["-d", names, "-D", "node.exe", "-l", library]);
      libraries.push(library);
    }
    const into = join(folder, "prebuilds", name);
    mkdirSync(into, { recursive: true });
    const made = join(into, `.${target.name}.${process.pid}`);
    await run(target.compiler, [...target.link, ...objects, ...libraries, "-o", made]);
    renameSync(made, join(into, target.name));
    return join(into, target.name);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What keeps a target from being built here; undefined where nothing does. */
export function missingFor(name) {
  const target = targets[name];
  if (target === undefined) {
    return `there is no target ${JSON.stringify(name)}, expected one of ${Object.keys(targets).join(", ")}`;
  }
  return spawnSync(target.compiler, ["--version"], { stdio: "ignore" }).status === 0
    ? undefined
    : `${target.compiler} is not here (Debian: apt install ${target.package})`;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [name = "", folder] = process.argv.slice(2);
  const problem = missingFor(name);
  if (problem !== undefined || (folder !== undefined && !existsSync(folder))) {
    console.error(`cross: ${problem ?? `${folder} is not there`}`);
    process.exit(1);
  }
  console.log(await cross(name, folder));
}
