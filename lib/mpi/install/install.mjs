// Builds the binding when npm installs the package, once for each MPI library whose compiler is found. Whatever goes wrong, the installation
// goes on: `mpi.available` is false then, and `mpi.reason` says why and how to get it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const release = join(root, "build", "Release");
const sources = readdirSync(join(root, "native")).map((name) => join(root, "native", name));
const include = dirname(createRequire(import.meta.url).resolve("node-api-headers/include/node_api.h"));

/** Why there is no binding, for whoever asks later. */
function give(reason) {
  try {
    mkdirSync(join(root, "build"), { recursive: true });
    writeFileSync(join(root, "build", "reason.txt"), reason);
  } catch {
    // A folder that cannot be written to has no binding either.
  }
}

/** The compilers to try: the one that is asked for, or the default and those that Debian names after their libraries. */
const compilers = process.env.MPICC ? [process.env.MPICC] : ["mpicc", "mpicc.openmpi", "mpicc.mpich"];

/** Builds with one compiler. @returns the library's family, or what went wrong */
function build(compiler, folder) {
  const [command, ...before] = compiler.split(/\s+/);
  if (spawnSync(command, [...before, "--version"], { stdio: "ignore" }).status !== 0) {
    return { missing: true };
  }
  const made = join(folder, "mpi.node");
  const system = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : ["-ldl"];
  const flags = [
    "-std=gnu11",
    "-O3",
    "-fPIC",
    "-shared",
    "-fvisibility=hidden",
    "-pthread",
    "-DNAPI_VERSION=8",
    "-D_GNU_SOURCE",
  ];
  const files = sources.filter((path) => path.endsWith(".c"));
  const args = [...before, ...flags, `-I${include}`, ...files, "-o", made, ...system];
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.status !== 0) {
    const line = `${result.stderr}`.split("\n").find((each) => /error/i.test(each));
    return { failed: `${compiler} does not compile it: ${(line ?? "it gave no reason").trim()}` };
  }
  const print = "process.stdout.write(require(process.argv[1]).family)";
  const tried = spawnSync(process.execPath, ["-e", print, made], { encoding: "utf8" });
  if (tried.status !== 0) {
    return { failed: `what ${compiler} makes does not load` };
  }
  const name = tried.stdout.toLowerCase().replace(/[^a-z]/g, "");
  renameSync(made, join(release, `${name}.node`));
  return { name };
}

function isUpToDate() {
  try {
    const builds = readdirSync(release).filter((name) => name.endsWith(".node"));
    const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
    return builds.length > 0 && builds.every((name) => statSync(join(release, name)).mtimeMs > newest);
  } catch {
    return false;
  }
}

function install() {
  if (process.platform === "win32") {
    return give("MPI is not supported on Windows");
  }
  mkdirSync(release, { recursive: true });
  const folder = mkdtempSync(join(root, "build", ".build-"));
  try {
    const results = compilers.map((compiler) => build(compiler, folder));
    const names = results.flatMap(({ name }) => name ?? []);
    if (names.length > 0) {
      // The first is the system's default.
      writeFileSync(join(release, "default.txt"), names[0]);
      return;
    }
    const failed = results.find((each) => each.failed !== undefined)?.failed;
    give(failed ?? "no mpicc was found");
    if (failed !== undefined) {
      console.log(`@convbook/mpi: ${failed}, so there is no MPI (everything else works).`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!isUpToDate() || process.env.MPICC) {
  try {
    if (existsSync(release)) {
      rmSync(release, { recursive: true });
    }
    install();
  } catch (error) {
    give(`it could not be built: ${error.message}`);
  }
}
