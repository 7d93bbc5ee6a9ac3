/** Which kernel a notebook runs on. */
import { resolve } from "node:path";
import { KernelspecError, NotebookError } from "../errors.ts";
import {
  findKernelspec,
  findKernelspecForLanguage,
  type Kernelspec,
  kernelspecsForLanguage,
  listKernelspecs,
} from "../kernels/kernelspec.ts";
import type { Notebook } from "../notebook/types.ts";
import type { RunOptions } from "./types.ts";

export interface ChosenKernel {
  readonly spec: Kernelspec;
  /** The kernelspec that the notebook names, whichever runs it. */
  readonly named: string | undefined;
  /** Why it is another one than the notebook asks for, and which kernelspecs were left out of the search for it. */
  readonly warnings: readonly string[];
}

/**
 * The kernelspec that the options or the notebook ask for. A notebook's own kernel that is not installed gives way to
 * the only one of its language: names such as "conda-env-course-py" are of the machine on which it was written. One that names
 * none has the first one of its language.
 *
 * @throws KernelspecError when it is not installed, and there is not exactly one of its language.
 * @throws NotebookError when the notebook names none.
 */
export function kernelspecOf(
  path: string,
  notebook: Notebook,
  options: Pick<RunOptions, "kernel" | "kernelDir">,
  notebookFolder: string,
): ChosenKernel {
  const search = { kernelDir: options.kernelDir, from: notebookFolder };
  const { kernelspec, language_info } = notebook.metadata;
  const name = textOf(kernelspec?.name);
  if (options.kernel !== undefined) {
    return { spec: findKernelspec(options.kernel, search), named: name, warnings: [] };
  }
  const broken: string[] = [];
  const telling = { ...search, onBroken: (problem: string) => broken.push(`left out: ${problem}`) };
  const language = textOf(kernelspec?.language) ?? textOf(language_info?.name);
  if (name === undefined) {
    const installed = listKernelspecs(telling);
    const only = installed.length === 1 ? installed[0] : undefined;
    // A notebook that says nothing at all is Python, as nbclient and Jupyter have it.
    const spec =
      language === undefined
        ? (only ?? findKernelspecForLanguage("python", search))
        : findKernelspecForLanguage(language, search);
    if (spec === undefined) {
      const problem = 'names no kernel in its metadata ("kernelspec"); choose one with --kernel NAME';
      throw new NotebookError(path, [problem, ...broken].join("\n"));
    }
    return { spec, named: name, warnings: [`names no kernel in its metadata; it ran with "${spec.name}"`, ...broken] };
  }
  try {
    return { spec: findFitting(name, language, search), named: name, warnings: [] };
  } catch (error) {
    const others = language === undefined ? [] : kernelspecsForLanguage(language, telling);
    const [spec] = others;
    if (!(error instanceof KernelspecError) || !error.missing || spec === undefined || others.length > 1) {
      throw error;
    }
    const warning = `its kernel "${name}" is not installed; it ran with "${spec.name}", the only one here for ${spec.language}`;
    return { spec, named: name, warnings: [warning, ...broken] };
  }
}

/**
 * The kernelspec of this name. Where `--kernel-dir` names the folder of one kernelspec, that has any name, but not those of notebooks in
 * another language, whose parameters it could not even read.
 */
function findFitting(
  name: string,
  language: string | undefined,
  search: { readonly kernelDir: string | undefined; readonly from: string },
): Kernelspec {
  const spec = findKernelspec(name, search);
  if (search.kernelDir === undefined || spec.folder !== resolve(search.kernelDir)) {
    return spec;
  }
  const elsewhere = () => findKernelspec(name, { from: search.from });
  const wanted = language ?? languageElsewhere(elsewhere);
  const fits = wanted === undefined || spec.language === "" || spec.language.toLowerCase() === wanted.toLowerCase();
  return fits ? spec : elsewhere();
}

/** The language of an installed kernelspec, where there is one. */
function languageElsewhere(find: () => Kernelspec): string | undefined {
  try {
    return find().language || undefined;
  } catch (error) {
    if (error instanceof KernelspecError) {
      return undefined;
    }
    throw error;
  }
}

/** What a notebook says, where it is text at all. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
