/** The kernel of a submission: which, and started within the walls. */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { bundledKernelSpec } from "@convbook/kernel";
import {
  findKernelspec,
  KernelDiedError,
  KernelManager,
  type Kernelspec,
  KernelspecError,
  listKernelspecs,
} from "nbconvert-ts-runner";
import type { AssignmentNotebook } from "../source/index.ts";
import { firstLine } from "../values.ts";
import { type BoxFolders, type BoxRequest, boxed } from "./box.ts";

/**
 * The kernelspec of the grader's notebook; what a submission names does not count.
 *
 * @param grader Its kernel's name and language.
 * @param from Folder from which packages with kernels are looked for.
 * @throws KernelspecError where neither the kernel nor another one of its language is installed, or the program that it names is not there.
 */
export function kernelOf(grader: AssignmentNotebook, from: string): Kernelspec {
  const name = grader.notebook.metadata.kernelspec?.name;
  try {
    if (typeof name === "string") {
      return withProgram(findKernelspec(name, { from }));
    }
  } catch (error) {
    if (!(error instanceof KernelspecError && error.missing)) {
      throw error;
    }
  }
  const { language } = grader;
  if (isScript(language)) {
    // It is the one that takes the guard, whatever else is installed for the language.
    return findKernelspec("convbook", { kernelDir: bundledKernelSpec() });
  }
  const other = listKernelspecs({ from }).find((spec) => spec.language.toLowerCase() === language);
  if (other !== undefined) {
    return other;
  }
  return findKernelspec(typeof name === "string" ? name : language, { from });
}

/** A kernelspec, seen to name a program that is there: within walls the system could not say so. */
function withProgram(spec: Kernelspec): Kernelspec {
  const [program = ""] = spec.argv;
  if (isAbsolute(program) && !existsSync(program)) {
    throw new KernelspecError(
      spec.name,
      `the kernel "${spec.name}" cannot be started: its program ${program} is not there`,
    );
  }
  return spec;
}

/** Words of a kernel that say why it did not start: enough for an error with the head of its stack. */
const longestWords = 600;

/**
 * Why a kernel could not be started: a sentence, and below it the end of what it wrote to its standard error.
 *
 * @param error What starting it threw.
 */
export function startFailure(error: unknown): string {
  const said = error instanceof KernelDiedError ? stripVTControlCharacters(error.stderr) : "";
  // Of a stack its head is what says something.
  const words = said.replace(/^\s+at .*\n?/gm, "").trim();
  const shown = words.length > longestWords ? `…${words.slice(-longestWords)}` : words;
  return `The kernel could not be started: ${firstLine(error)}${shown === "" ? "" : `\nIts last words:\n${shown}`}`;
}

/** Whether the kernel of a language is one that takes the guard. */
export function isScript(language: string): boolean {
  return language === "typescript" || language === "javascript";
}

/** Starts a kernel within the walls; from then on only this process reaches it. */
export async function startBoxed(spec: Kernelspec, request: BoxRequest, folders: BoxFolders): Promise<KernelManager> {
  const { argv, env } = boxed(spec, request, folders.stage);
  const kernel = await KernelManager.start({ ...spec, argv, env: {} }, { cwd: folders.work, env, transport: "auto" });
  kernel.seal();
  return kernel;
}
