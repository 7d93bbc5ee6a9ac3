/** Node, the compiler and the graphics card. */
import { execFile, spawn } from "node:child_process";
import { arch, cpus, platform, totalmem } from "node:os";
import { promisify } from "node:util";
import { compilerAdvice } from "../../files/index.ts";
import type { Finding } from "./finding.ts";

const patience = 20_000;

/** The lines that a program prints, or undefined where it is not there or fails. */
export async function linesOf(program: string, args: readonly string[]): Promise<string[] | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], { timeout: patience });
    return (stdout || stderr).trim().split("\n");
  } catch {
    return undefined;
  }
}

export function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const found = `Node.js ${process.versions.node}, ${platform()} ${arch()}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  if (major > 20 || (major === 20 && minor >= 19)) {
    return { topic: "machine", state: "ok", found };
  }
  return { topic: "machine", state: "missing", found, advice: "install Node.js 20.19 or newer" };
}

/** Compiles a few lines of C++17 and throws the result away. @returns why it cannot; undefined when it can */
async function tryCompiler(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, ["-std=c++17", "-fsyntax-only", "-x", "c++", "-"], {
      stdio: ["pipe", "ignore", "pipe"],
      timeout: patience,
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) =>
      resolve(code === 0 ? undefined : said.trim().split("\n")[0] || `it ended with ${code}`),
    );
    child.stdin.on("error", () => {});
    child.stdin.end(
      "#include <optional>\n#include <thread>\nint main() { std::optional<int> a = 1; return *a - 1; }\n",
    );
  });
}

/** How the native engine is had on a system where there is no compiler, and what that brings. */
export function nativeEngineFinding(reason: string, system: NodeJS.Platform = process.platform): Finding {
  const topic = "C++ compiler";
  if (system === "win32") {
    const found = "not asked for: on Windows the native engine comes made, or the one in WebAssembly runs";
    return { topic, state: "optional", found };
  }
  return {
    topic,
    state: "optional",
    found: `${reason}: no native engine can be built, the one in WebAssembly runs, which is several times slower`,
    advice: `${compilerAdvice(system)}, then npm rebuild @convbook/engine`,
  };
}

export async function checkCompiler(system: NodeJS.Platform = process.platform): Promise<Finding> {
  const topic = "C++ compiler";
  if (system === "win32") {
    return nativeEngineFinding("", system);
  }
  let reason = "none";
  for (const program of ["c++", "clang++"]) {
    const version = await linesOf(program, ["--version"]);
    if (version?.[0] === undefined) {
      continue;
    }
    const problem = await tryCompiler(program);
    if (problem !== undefined) {
      reason = `${program} does not compile C++17 (${problem})`;
      continue;
    }
    const lacking: string[] = [];
    for (const tool of ["make", "python3"]) {
      if ((await linesOf(tool, ["--version"])) === undefined) {
        lacking.push(tool);
      }
    }
    if (lacking.length === 0) {
      return { topic, state: "ok", found: version[0] };
    }
    reason = `${version[0]}, but no ${lacking.join(" and no ")}`;
    break;
  }
  return nativeEngineFinding(reason, system);
}

export async function checkCuda(): Promise<Finding> {
  const gpus = await linesOf("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"]);
  if (gpus === undefined) {
    return { topic: "CUDA", state: "optional", found: "no NVIDIA driver that answers" };
  }
  return { topic: "CUDA", state: "ok", found: gpus.join("; ") };
}
