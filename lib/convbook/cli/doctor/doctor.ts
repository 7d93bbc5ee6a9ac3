/** `convbook doctor`: what is there, what is missing, and what to type to get it. Each ✓ was tried just then. */
import { mpi } from "@convbook/mpi";
import { Command } from "commander";
import { checkBackend, checkEngine } from "./backends.ts";
import { checkCache, checkData, checkMirror } from "./data.ts";
import { type Finding, print } from "./finding.ts";
import { checkJupyter, checkKernels } from "./jupyter.ts";
import { checkCompiler, checkCuda, checkNode } from "./machine.ts";
import { checkMpi } from "./ranks.ts";
import { checkSettings } from "./settings.ts";

async function examine(ranks: readonly Finding[]): Promise<Finding[]> {
  const cuda = await checkCuda();
  return [
    checkNode(),
    ...checkSettings(),
    ...(await checkBackend(cuda.state === "ok")),
    ...(await checkEngine()),
    await checkCompiler(),
    cuda,
    ...ranks,
    await checkCache(),
    ...(await checkMirror()),
    ...(await checkData()),
    await checkJupyter(),
    ...(await checkKernels()),
  ];
}

export const doctorCommand = new Command("doctor")
  .description("say what is there, what is missing, and what to type to get it")
  .option("--json", "print the findings as JSON")
  .action(async ({ json }: { json?: boolean }) => {
    const ranks = await checkMpi();
    // Rank 0 speaks for all that are on its machine.
    if ((mpi.launcher?.rank ?? 0) > 0) {
      return;
    }
    const findings = await examine(ranks);
    if (json) {
      console.log(JSON.stringify(findings, null, 2));
    } else {
      print(findings);
    }
    // What was given up on may still wait, and would keep the process: it ends once all is written.
    const code = findings.some(({ state }) => state === "missing") ? 1 : 0;
    process.stdout.write("", () => process.exit(code));
  });
