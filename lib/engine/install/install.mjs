// Builds the engine's native code when npm installs the package. Whatever goes wrong, the installation goes on: the
// engine then runs in WebAssembly, and one line says so and how to get the native one.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findsOneDnn } from "./finds-onednn.cjs";
import { prebuiltPath } from "./prebuilt.cjs";
import { sentence } from "./tell.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const release = join(root, "build", "Release");
const built = join(release, "engine.node");
/** Why there is no engine, for whoever asks later. */
const reasonFile = join(root, "build", "reason.txt");
/** The engine's folder of build folders, one each for installations that run at the same time. */
const workshopPrefix = join(root, ".build-");
const require = createRequire(import.meta.url);

function give(reason) {
  try {
    mkdirSync(dirname(reasonFile), { recursive: true });
    writeFileSync(reasonFile, reason);
  } catch {
    // The line below says it, too.
  }
  console.log(sentence(reason));
  process.exit(0);
}

/** Whether a file runs: `cc --version` and the like. */
function runs(command, args = ["--version"]) {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** npm puts its own node-gyp on the PATH of scripts; beside npm it is found even without that. */
function findNodeGyp() {
  const beside = process.env.npm_execpath
    ? [join(dirname(process.env.npm_execpath), "..", "node_modules", "node-gyp", "bin", "node-gyp.js")]
    : [];
  const candidates = [process.env.npm_config_node_gyp, ...beside];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    candidates.push(join(folder, "..", "node_modules", "node-gyp", "bin", "node-gyp.js"));
    candidates.push(join(folder, "..", "..", "..", "node-gyp", "bin", "node-gyp.js"));
    candidates.push(join(folder, "..", "lib", "node_modules", "npm", "node_modules", "node-gyp", "bin", "node-gyp.js"));
  }
  return candidates.find((path) => path && existsSync(path));
}

/**
 * The folder that node-gyp takes headers from, without asking the network: beside the node that runs, where Debian puts
 * them, or a folder made of the npm package node-api-headers, which is all that this code includes.
 */
function headers(scratch) {
  const prefix = dirname(dirname(process.execPath));
  for (const folder of [prefix, "/usr", "/usr/local"]) {
    const version = join(folder, "include", "node", "node_version.h");
    if (existsSync(version) && existsSync(join(folder, "include", "node", "common.gypi"))) {
      return folder;
    }
  }
  const include = join(scratch, "include", "node");
  mkdirSync(include, { recursive: true });
  cpSync(dirname(require.resolve("node-api-headers/include/node_api.h")), include, { recursive: true });
  const common = {
    target_defaults: {
      default_configuration: "Release",
      configurations: { Release: { cflags: ["-O3"] }, Debug: { cflags: ["-O0"] } },
      conditions: [
        ["OS!='win'", { cflags: ["-fPIC", "-pthread"], ldflags: ["-pthread"] }],
        ["OS=='mac'", { xcode_settings: { OTHER_LDFLAGS: ["-undefined dynamic_lookup"] } }],
      ],
    },
  };
  writeFileSync(join(include, "common.gypi"), JSON.stringify(common, null, 2));
  writeFileSync(join(include, "config.gypi"), JSON.stringify(process.config, null, 2));
  return scratch;
}

/** Whether the binary is newer than everything that it is made of, and this node loads it; with oneDNN's module where that could be built. */
function upToDate() {
  if (!existsSync(built)) {
    return false;
  }
  if (!existsSync(join(release, "onednn.node")) && findsOneDnn()) {
    return false;
  }
  const sources = readdirSync(join(root, "native"), { recursive: true }).map((name) => join(root, "native", name));
  const time = statSync(built).mtimeMs;
  if ([join(root, "binding.gyp"), ...sources].some((path) => statSync(path).mtimeMs > time)) {
    return false;
  }
  return spawnSync(process.execPath, ["-e", "require(process.argv[1])", built], { stdio: "ignore" }).status === 0;
}

if (prebuiltPath(root) !== undefined || upToDate()) {
  process.exit(0);
}
if (process.platform === "win32") {
  // Microsoft's compiler does not know the vectors of the sources.
  give("on Windows nothing is compiled, and there is no binary made beforehand");
}
const compilers = process.env.CXX ? [process.env.CXX] : ["c++", "g++", "clang++"];
const compiler = compilers.find((name) => runs(name));
if (compiler === undefined) {
  give("no C++ compiler was found");
}
if (!["make", "gmake"].some((name) => runs(name))) {
  give("make was not found");
}
const nodeGyp = findNodeGyp();
if (nodeGyp === undefined) {
  give("node-gyp was not found");
}

/** What installations that were killed left behind. */
function sweep() {
  for (const name of readdirSync(root).filter((entry) => entry.startsWith(".build-"))) {
    const path = join(root, name);
    if (Date.now() - statSync(path).mtimeMs > 3_600_000) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Puts the modules that were built into place, each at once: a program that runs keeps the one that it has loaded. */
function deliver(from) {
  mkdirSync(release, { recursive: true });
  for (const name of ["onednn.node", "engine.node"]) {
    const made = join(from, "build", "Release", name);
    if (existsSync(made)) {
      renameSync(made, join(release, name));
    } else {
      rmSync(join(release, name), { force: true });
    }
  }
  rmSync(reasonFile, { force: true });
}

const scratch = mkdtempSync(join(tmpdir(), "convbook-engine-"));
let workshop;
process.on("exit", () => {
  for (const folder of [scratch, workshop]) {
    if (folder !== undefined) {
      rmSync(folder, { recursive: true, force: true });
    }
  }
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}
try {
  sweep();
  // A folder of its own: two installations in one folder would write into each other's objects.
  workshop = mkdtempSync(workshopPrefix);
  for (const name of ["binding.gyp", "native", "install"]) {
    cpSync(join(root, name), join(workshop, name), { recursive: true });
  }
  const made = join(workshop, "build", "Release", "engine.node");
  // A `nodedir` of npm's configuration would go before the folder that is found here, and need not be there.
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(package_)?config_(node_gyp_)?nodedir$/i.test(name)),
  );
  if (!process.env.CXX) {
    environment.CXX = compiler;
  }
  const jobs = process.env.npm_config_jobs ?? "max";
  const make = (more = {}) =>
    spawnSync(process.execPath, [nodeGyp, "rebuild", "--release", `--nodedir=${headers(scratch)}`, `--jobs=${jobs}`], {
      cwd: workshop,
      env: { ...environment, ...more },
      encoding: "utf8",
      maxBuffer: 64 << 20,
    });
  let build = make();
  // A version of oneDNN that this code does not fit must not cost anybody the engine.
  if (build.status !== 0 && findsOneDnn(environment.CXX)) {
    build = make({ GYP_DEFINES: "onednn=0" });
  }
  if (build.status !== 0 || !existsSync(made)) {
    const said = `${build.stdout ?? ""}\n${build.stderr ?? ""}`.split("\n").filter((line) => /error/i.test(line));
    give(`the build failed (${(said[0] ?? build.error?.message ?? "no output").trim()})`);
  }
  deliver(workshop);
  console.log("@convbook/engine: the native engine is built");
} catch (error) {
  give(`the build failed (${error instanceof Error ? error.message : error})`);
}
