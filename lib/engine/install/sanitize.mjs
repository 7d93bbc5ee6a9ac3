// `npm run sanitize [-- SANITIZER]`: the kernels' own test under the sanitizers of addresses, undefined behaviour and threads.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findsOneDnn } from "./finds-onednn.cjs";
import { knowsAmx } from "./knows-amx.cjs";

const native = fileURLToPath(new URL("../native", import.meta.url));
const compiler = process.env.CXX ?? "c++";
const scratch = mkdtempSync(join(tmpdir(), "convbook-sanitize-"));
const x64 = process.arch === "x64";
const amx = knowsAmx(compiler);
const onednn = findsOneDnn(compiler);
if (!onednn) {
  console.log("Left out: oneDNN, which is not installed (Debian: apt install libdnnl-dev)");
}
const avx512 = ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma"];

/** The flags of an instruction set's files; undefined where they cannot be compiled. */
function flagsOf(name) {
  if (name.startsWith("isa_amx")) {
    return amx ? [...avx512, "-mavx512bf16", "-mamx-tile", "-mamx-bf16"] : undefined;
  }
  if (name === "onednn_module.cc") {
    return onednn ? [] : undefined;
  }
  if (name === "isa_avx512.cc") {
    return x64 ? avx512 : undefined;
  }
  if (name === "isa_avx2.cc") {
    return x64 ? ["-mavx2", "-mfma"] : undefined;
  }
  return [];
}

const sources = readdirSync(native, { recursive: true })
  .filter(
    (path) =>
      path.endsWith(".cc") && !/^(bindings|wasm)\/|isa_wasm/.test(path) && flagsOf(basename(path)) !== undefined,
  )
  .map((path) => join(native, path));
try {
  const wanted = process.argv.slice(2);
  for (const sanitizer of wanted.length > 0 ? wanted : ["address,undefined", "thread"]) {
    const common = [
      `-I${native}`,
      "-std=c++17",
      "-O1",
      "-g",
      "-fno-sanitize-recover=all",
      `-fsanitize=${sanitizer}`,
      "-pthread",
    ];
    if (amx) {
      common.push("-DCONVBOOK_AMX=1");
    }
    if (onednn) {
      common.push("-DCONVBOOK_ONEDNN=1");
    }
    const objects = sources.map((source, i) => {
      const object = join(scratch, `${i}.o`);
      execFileSync(compiler, [...common, ...flagsOf(basename(source)), "-w", "-c", source, "-o", object], {
        stdio: "inherit",
      });
      return object;
    });
    const program = join(scratch, "kernels_test");
    execFileSync(compiler, [...common, ...objects, "-o", program, ...(onednn ? ["-ldnnl"] : [])], { stdio: "inherit" });
    console.log(`-fsanitize=${sanitizer}`);
    execFileSync(program, { stdio: "inherit" });
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
