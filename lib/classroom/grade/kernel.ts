/** The kernel of a submission: which, and started within the walls. */
import { bundledKernelSpec } from "@convbook/kernel";
import { findKernelspec, KernelManager, type Kernelspec, KernelspecError, listKernelspecs } from "nbconvert-ts-runner";
import type { AssignmentNotebook } from "../source/index.ts";
import { type BoxFolders, type BoxRequest, boxed } from "./box.ts";

/**
 * The kernelspec of the grader's notebook; what a submission names does not count.
 *
 * @param grader Its kernel's name and language.
 * @param from Folder from which packages with kernels are looked for.
 * @throws KernelspecError where neither the kernel nor another one of its language is installed.
 */
export function kernelOf(grader: AssignmentNotebook, from: string): Kernelspec {
  const name = grader.notebook.metadata.kernelspec?.name;
  try {
    if (typeof name === "string") {
      return findKernelspec(name, { from });
    }
  } catch (error) {
    if (!(error instanceof KernelspecError)) {
      throw error;
    }
  }
  const { language } = grader;
  const other = listKernelspecs({ from }).find((spec) => spec.language.toLowerCase() === language);
  if (other !== undefined) {
    return other;
  }
  if (isScript(language)) {
    return findKernelspec("convbook", { kernelDir: bundledKernelSpec() });
  }
  return findKernelspec(typeof name === "string" ? name : language, { from });
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
