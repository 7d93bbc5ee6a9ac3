// `npm run wasm`: compiles the native sources to WebAssembly, wasm/engine.wasm and, with relaxed SIMD, wasm/engine-relaxed.wasm,
// bit by bit the same from the same sources. Needs clang 16, its linker and the WebAssembly libraries of Debian 12.
// `--check FOLDER` writes to another folder instead, for the test that compares.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { sourcesHash } from "./wasm-sources.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const native = join(root, "native");
const objects = join(root, "build", "wasm");
const napi = dirname(createRequire(import.meta.url).resolve("node-api-headers/include/node_api.h"));
const run = promisify(execFile);

const llvm = "/usr/lib/llvm-16";
const libraries = [
  join(llvm, "lib/wasm32-wasi/libc++.a"),
  join(llvm, "lib/wasm32-wasi/libc++abi.a"),
  "/usr/lib/wasm32-wasi/libc.a",
  join(llvm, "lib/clang/16/lib/wasi/libclang_rt.builtins-wasm32.a"),
];
const needed = { "clang++-16": "clang-16", "wasm-ld-16": "lld-16" };
const packages = "clang-16 lld-16 wasi-libc libc++-16-dev-wasm32 libc++abi-16-dev-wasm32 libclang-rt-16-dev-wasm32";

const flags = [
  "--target=wasm32-wasi",
  "-std=c++17",
  "-msimd128",
  "-matomics",
  "-mbulk-memory",
  "-fwasm-exceptions",
  "-fvisibility=hidden",
  "-fno-math-errno",
  "-fno-trapping-math",
  // The files are shipped; with -O2 all of them would be a tenth larger, and the networks no faster.
  "-Os",
  "-Wall",
  "-Wextra",
  "-Wno-unused-parameter",
  "-Wno-unknown-pragmas",
  // Nothing of this machine gets into the files.
  "-ffile-prefix-map=.=",
  "-nostdinc++",
  "-isystem",
  join(llvm, "include/wasm32-wasi/c++/v1"),
  "-isystem",
  "/usr/include/wasm32-wasi",
  "-isystem",
  napi,
  "-DNAPI_VERSION=8",
  "-I",
  native,
];

/**
 * For the loops over vectors, over these. With -Os Clang makes no vectors of plain loops whose length it does not know, and ReLU or a sum of
 * two tensors take three to five times as long; unrolled loops and several vectors at a time would be most of the size, and no faster.
 */
const kernelFlags = ["-O2", "-fno-unroll-loops", "-mllvm", "-force-vector-interleave=1"];

/** Parts that have no place in WebAssembly; what stands for them is in native/wasm. */
const leftOut = (path) =>
  /^(test|onednn)\//.test(path) ||
  (path.startsWith("amx/") && path !== "amx/amx.cc") ||
  (/^simd\/isa_/.test(path) && path !== "simd/isa_wasm.cc") ||
  ["runtime/workers.cc", "runtime/processors.cc", "runtime/memory.cc"].includes(path) ||
  ["bindings/memory_bindings.cc", "bindings/onednn_bindings.cc"].includes(path);

const sources = readdirSync(native, { recursive: true })
  .map((path) => path.replaceAll("\\", "/"))
  .filter((path) => path.endsWith(".cc") && !leftOut(path))
  .sort();

const hash = (text) => createHash("sha256").update(text).digest("hex");

/** The files that an object was made of, as the compiler wrote them down. */
function dependencies(object) {
  const text = readFileSync(`${object}.d`, "utf8").replaceAll("\\\n", " ");
  return text
    .slice(text.indexOf(":") + 1)
    .split(/\s+/)
    .filter(Boolean);
}

/** What an object depends on, as one hash; undefined where it is not known. */
function state(object, command) {
  if (!existsSync(object) || !existsSync(`${object}.d`)) {
    return undefined;
  }
  const files = dependencies(object);
  return files.every((file) => existsSync(file))
    ? hash([...command, ...files.map((file) => hash(readFileSync(file)))].join("\n"))
    : undefined;
}

/** Compiles a source, unless nothing of it has changed. */
async function compile(source, more, suffix = "") {
  const object = join(objects, `${source.replaceAll("/", "-")}${suffix}.o`);
  const command = [...flags, ...more, "-c", join(native, source), "-o", object, "-MD", "-MF", `${object}.d`];
  const known = existsSync(`${object}.state`) ? readFileSync(`${object}.state`, "utf8") : "";
  if (known === "" || known !== state(object, command)) {
    await run("clang++-16", command, { maxBuffer: 64 << 20 }).then(({ stderr }) => process.stderr.write(stderr));
    writeFileSync(`${object}.state`, state(object, command) ?? "");
  }
  return object;
}

/** Runs jobs, as many at a time as there are processors. */
async function together(jobs) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const at = next++;
      results[at] = await jobs[at]();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

async function link(parts, file) {
  const exported = [
    "napi_register_wasm_v1",
    "__wasm_call_ctors",
    "__stack_pointer",
    "__wasm_init_tls",
    "__tls_size",
    "__tls_align",
  ];
  const options = [
    "--no-entry",
    "--import-memory",
    "--shared-memory",
    "--max-memory=4294967296",
    // The C library is built without threads; the engine calls it where that is all right (native/wasm/wasm_memory.cc).
    "--no-check-features",
    "--allow-undefined",
    "--gc-sections",
    "--export-table",
    "--strip-all",
    "--stack-first",
    "-z",
    "stack-size=1048576",
    "-O2",
    ...exported.map((name) => `--export=${name}`),
  ];
  const map = join(objects, `${basename(file)}.map`);
  await run("wasm-ld-16", [...options, `-Map=${map}`, ...parts, ...libraries, "-o", file], { maxBuffer: 64 << 20 });
  return partsOf(readFileSync(map, "utf8"));
}

/** What the linker took of the libraries, by the names of their parts; ../wasm/NOTICE says whose they are. */
function partsOf(map) {
  return [...new Set(map.match(/[\w.+-]+\.a\([^)]+\)/g))].sort();
}

for (const [command, name] of Object.entries(needed)) {
  await run(command, ["--version"]).catch(() => {
    console.error(`@convbook/engine: ${command} was not found (Debian 12: apt install ${name}); needed: ${packages}`);
    process.exit(1);
  });
}
const missing = libraries.find((path) => !existsSync(path));
if (missing !== undefined) {
  console.error(`@convbook/engine: ${missing} was not found (Debian 12: apt install ${packages})`);
  process.exit(1);
}
const checks = process.argv[2] === "--check";
const target = checks ? process.argv[3] : join(root, "wasm");
mkdirSync(objects, { recursive: true });
try {
  const kernels = "simd/isa_wasm.cc";
  const common = sources.filter((source) => source !== kernels).map((source) => () => compile(source, []));
  const [plain, relaxed, ...rest] = await together([
    () => compile(kernels, kernelFlags),
    () => compile(kernels, [...kernelFlags, "-mrelaxed-simd"], "-relaxed"),
    ...common,
  ]);
  const made = { "engine.wasm": plain, "engine-relaxed.wasm": relaxed };
  const files = {};
  const linked = new Set();
  for (const [name, object] of Object.entries(made)) {
    const file = join(target, name);
    for (const part of await link([object, ...rest], file)) {
      linked.add(part);
    }
    files[name] = hash(readFileSync(file));
    console.log(`${basename(file)}: ${(readFileSync(file).length / 1000).toFixed(0)} kB`);
  }
  const record = { sources: sourcesHash(root), files, linked: [...linked].sort() };
  writeFileSync(join(target, "sources.json"), `${JSON.stringify(record, null, 2)}\n`);
} catch (error) {
  console.error(error.stderr ?? error);
  process.exit(1);
}
