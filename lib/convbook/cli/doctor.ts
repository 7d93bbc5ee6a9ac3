/**
 * `convbook doctor`: what is there, what is missing, and what to type to get it.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";

/** One line of the report. */
interface Finding {
  readonly topic: string;
  readonly state: "ok" | "missing" | "optional";
  readonly found: string;
  /** What to type to get what is missing. */
  readonly advice?: string;
}

const marks = { ok: "✓", missing: "✗", optional: "–" } as const;

/** The lines that a program prints, or undefined where it is not there. */
async function linesOf(program: string, args: readonly string[]): Promise<string[] | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], { timeout: 20_000 });
    return (stdout || stderr).trim().split("\n");
  } catch {
    return undefined;
  }
}

const cudaAdvice = "with CUDA: npm install --no-save @tensorflow/tfjs-node-gpu@4.22.0   (it is then the first choice)";

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const found = `Node.js ${process.versions.node}, ${platform()} ${arch()}, ${cpus().length} processors, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  if (major > 20 || (major === 20 && minor >= 19)) return { topic: "machine", state: "ok", found };
  return { topic: "machine", state: "missing", found, advice: "install Node.js 20.19 or newer" };
}

async function checkBackend(): Promise<Finding[]> {
  const { selectBackend } = await import("../backend/index.ts");
  const info = await selectBackend({ announce: false, training: false });
  const findings: Finding[] = [{ topic: "backend", state: "ok", found: info.description }];
  for (const { name, reason } of info.missing) {
    findings.push({
      topic: `backend ${name}`,
      state: "optional",
      found: reason,
      ...(name === "tensorflow" && { advice: cudaAdvice }),
    });
  }
  return findings;
}

/** How the native engine computes, where it is the backend. */
async function checkEngine(): Promise<Finding[]> {
  const [{ engine }, { getBackend }] = await Promise.all([import("@convbook/engine"), import("@tensorflow/tfjs-core")]);
  if (getBackend() !== "native") return [];
  const { precision, hasBf16, implementations } = engine.info();
  const bf16 = hasBf16 ? "bf16 for inference: CONVBOOK_PRECISION=bf16" : "this processor has no bf16";
  const findings: Finding[] = [
    {
      topic: "precision",
      state: "ok",
      found: precision === "bf16" ? "bf16 for inference, float32 for training" : `float32 (${bf16})`,
    },
  ];
  if (implementations.onednn !== null) {
    const { choices, onednn } = implementations;
    const faster = choices.filter(({ chosen }) => chosen === "onednn").length;
    const found = `oneDNN ${onednn}, chosen for ${faster} of ${choices.length} convolutions measured so far`;
    findings.push({ topic: "oneDNN", state: "ok", found });
  }
  return findings;
}

async function checkCuda(): Promise<Finding> {
  const gpus = await linesOf("nvidia-smi", ["--query-gpu=name,driver_version", "--format=csv,noheader"]);
  if (gpus === undefined) return { topic: "CUDA", state: "optional", found: "no NVIDIA driver" };
  return { topic: "CUDA", state: "ok", found: gpus.join("; ") };
}

async function checkCompiler(): Promise<Finding> {
  const compiler = (await linesOf("c++", ["--version"])) ?? (await linesOf("clang++", ["--version"]));
  if (compiler?.[0] !== undefined) return { topic: "C++ compiler", state: "ok", found: compiler[0] };
  return {
    topic: "C++ compiler",
    state: "optional",
    found: "none: the native engine cannot be built",
    advice: "apt-get install g++ make python3   (or conda install compilers make), then npm rebuild @convbook/engine",
  };
}

async function checkData(): Promise<Finding[]> {
  const { cacheFolder, loadManifest } = await import("../download/index.ts");
  const cache = cacheFolder();
  return ["cifar10", "uva-tutorial5"].map((name) => {
    const manifest = loadManifest(name);
    const there = manifest.files.filter(({ path }) => existsSync(join(cache, manifest.name, path))).length;
    return {
      topic: `data ${name}`,
      state: there === manifest.files.length ? ("ok" as const) : ("optional" as const),
      found: `${there} of ${manifest.files.length} files in ${join(cache, manifest.name)}`,
      ...(there < manifest.files.length && { advice: "npm start fetches it" }),
    };
  });
}

async function checkJupyter(): Promise<Finding[]> {
  const { listKernelSpecs } = await import("@convbook/kernel");
  // "name : version" a line; what is not installed says so.
  const packages = (await linesOf("jupyter", ["--version"]))
    ?.filter((line) => /^(jupyterlab|notebook|nbconvert)\b/.test(line) && !line.includes("not installed"))
    .map((line) => line.replace(/\s*:\s*/, " "));
  const specs = await listKernelSpecs();
  const installed = specs.find(({ name }) => name === "convbook");
  return [
    packages === undefined
      ? {
          topic: "Jupyter",
          state: "optional",
          found: "not on the PATH",
          advice: "pip install jupyterlab   (or conda env create -f environment.yml)",
        }
      : { topic: "Jupyter", state: "ok", found: packages.join(", ") || "its core, without a frontend" },
    installed === undefined
      ? {
          topic: "kernel",
          state: "optional",
          found: "not installed for Jupyter (npm start and nbconvert-ts-runner work without)",
          advice: "npx convbook kernel install",
        }
      : { topic: "kernel", state: "ok", found: installed.folder },
  ];
}

/** Prints the findings, aligned; colours only on a terminal. */
function print(findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ topic }) => topic.length));
  for (const { topic, state, found, advice } of findings) {
    console.log(`${marks[state]} ${topic.padEnd(width)}  ${found}`);
    if (advice !== undefined) console.log(`${" ".repeat(width + 4)}→ ${advice}`);
  }
}

export const doctorCommand = new Command("doctor")
  .description("say what is there, what is missing, and what to type to get it")
  .option("--json", "print the findings as JSON")
  .action(async ({ json }: { json?: boolean }) => {
    const findings = [
      checkNode(),
      ...(await checkBackend()),
      ...(await checkEngine()),
      await checkCompiler(),
      await checkCuda(),
      ...(await checkData()),
      ...(await checkJupyter()),
    ];
    if (json) console.log(JSON.stringify(findings, null, 2));
    else print(findings);
    if (findings.some(({ state }) => state === "missing")) process.exitCode = 1;
  });
