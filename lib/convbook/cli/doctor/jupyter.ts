/** Jupyter, and our kernel in it. */
import { tmpdir } from "node:os";
import { basename } from "node:path";
import type { KernelManager } from "nbconvert-ts-runner";
import type { Finding } from "./finding.ts";
import { firstLine } from "./finding.ts";
import { linesOf } from "./machine.ts";

const packages = /^(jupyterlab|notebook|nbconvert)\b/;

export async function checkJupyter(): Promise<Finding> {
  // "name : version" a line; what is not installed says so.
  const lines = (await linesOf("jupyter", ["--version"]))
    ?.filter((line) => packages.test(line) && !line.includes("not installed"))
    .map((line) => line.replace(/\s*:\s*/, " "));
  if (lines === undefined) {
    const advice = "pip install jupyterlab   (or conda env create -f environment.yml)";
    return { topic: "Jupyter", state: "optional", found: "no jupyter on the PATH that runs", advice };
  }
  return { topic: "Jupyter", state: "ok", found: lines.join(", ") || "its core, without a frontend" };
}

/** Starts a kernel as Jupyter would and has it run a cell. @returns what went wrong; undefined when the answer was right */
async function tryKernel(folder: string): Promise<string | undefined> {
  const { findKernelspec, KernelDiedError, KernelManager: Manager } = await import("nbconvert-ts-runner");
  let manager: KernelManager | undefined;
  try {
    const spec = findKernelspec(basename(folder), { kernelDir: folder });
    manager = await Manager.start(spec, { cwd: tmpdir(), startupTimeout: 30_000 });
    const values: string[] = [];
    const run = (code: string) =>
      (manager as KernelManager).client.execute(code, {
        storeHistory: false,
        onMessage: ({ header, content }) => {
          const data = (content as { data?: Record<string, unknown> }).data;
          if (header.msg_type === "execute_result") {
            values.push(String(data?.["text/plain"]));
          }
        },
      });
    const { content } = await run("const answer: number = 6 * 7; answer");
    const { ename, evalue } = content as { ename?: string; evalue?: string };
    if (ename !== undefined) {
      return `it answers ${ename} to 6 * 7: ${evalue}`;
    }
    if (values.join() !== "42") {
      return `it answers ${values.join() || "nothing"} to 6 * 7`;
    }
    const wrong = await run('const wrong: number = "text";');
    const { status, content: answer } = wrong;
    return status === "error" && answer.ename === "TypeScriptError" ? undefined : "it runs cells whose types are wrong";
  } catch (error) {
    // A kernel that refuses a setting says so before it ends.
    const last = error instanceof KernelDiedError ? tellingLine(error.stderr) : "";
    return last ? `${firstLine(error)}: ${last}` : firstLine(error);
  } finally {
    await manager?.kill();
  }
}

/** The line of a program's last words that says what was wrong: its error, which Node follows with a stack and its version. */
function tellingLine(words: string): string | undefined {
  const lines = words.trim().split("\n");
  return lines.findLast((line) => /^\w*(?:Error|Exception)\b[^:]*: /.test(line)) ?? lines.at(-1);
}

/** Every kernelspec that runs our kernel, each started; and where none is installed, the one that comes with this package. */
export async function checkKernels(): Promise<Finding[]> {
  const { listKernelSpecs } = await import("@convbook/kernel");
  const installed = (await listKernelSpecs()).filter(
    ({ name, argv }) => name === "convbook" || argv.some((arg) => /@?convbook[\\/]|lib[\\/]kernel[\\/]/.test(arg)),
  );
  const findings: Finding[] = [];
  for (const { name, folder } of installed) {
    const topic = name === "convbook" ? "kernel" : `kernel ${name}`;
    const problem = await tryKernel(folder);
    const advice = `npx convbook kernel install${name === "convbook" ? "" : ` --name ${name}`}`;
    findings.push(
      problem === undefined
        ? { topic, state: "ok", found: `${folder}, answers` }
        : { topic, state: "missing", found: `${folder} does not work: ${problem}`, advice },
    );
  }
  if (!installed.some(({ name }) => name === "convbook")) {
    findings.push(await withoutKernelspec());
  }
  return findings;
}

/** Where Jupyter has no kernelspec of ours that it can read: a broken one, or none, and then the one that comes with this package. */
async function withoutKernelspec(): Promise<Finding> {
  const [{ bundledKernelSpec, kernelName }, { findKernelspec, KernelspecError }] = await Promise.all([
    import("@convbook/kernel"),
    import("nbconvert-ts-runner"),
  ]);
  const topic = "kernel";
  const advice = "npx convbook kernel install";
  try {
    findKernelspec(kernelName, { from: tmpdir() });
  } catch (error) {
    if (!(error instanceof KernelspecError && error.missing)) {
      return { topic, state: "missing", found: firstLine(error), advice };
    }
  }
  const problem = await tryKernel(bundledKernelSpec());
  if (problem !== undefined) {
    return { topic, state: "missing", found: `the kernel does not work: ${problem}`, advice: "npm run build" };
  }
  const found = "not installed for Jupyter (npm start and nbconvert-ts-runner work without)";
  return { topic, state: "optional", found, advice };
}
