/** Finds out where in a cell an error happened, from the kernel's traceback. */
import { stripVTControlCharacters } from "node:util";
import type { ErrorOutput } from "../notebook/types.ts";
import type { CellFailure } from "./types.ts";

/** The failure that an error output describes. */
export function failureOf(error: ErrorOutput, executionCount: number | null): CellFailure {
  return {
    name: error.ename,
    message: stripVTControlCharacters(error.evalue),
    traceback: error.traceback,
    ...errorPosition(error, executionCount),
  };
}

/**
 * Line and column in the cell, from 1. Kernels say it in their tracebacks, each in its way: ipykernel's frames
 * ("Cell In[3], line 2", "Input In [3], in <cell line: 2>()") and arrows ("----> 2"), V8's frames ("In [3]:2:5").
 */
export function errorPosition(error: ErrorOutput, executionCount: number | null): { line?: number; column?: number } {
  const text = stripVTControlCharacters(error.traceback.join("\n"));
  const count = executionCount === null ? "\\d+" : String(executionCount);
  const v8 = new RegExp(`(?:In ?|Cell ?)\\[${count}\\][^:\\n]*:(\\d+):(\\d+)`).exec(text);
  if (v8) {
    return { line: Number(v8[1]), column: Number(v8[2]) };
  }
  // A syntax error of Python is shown as: File/Cell In[3], line 2.
  const python =
    new RegExp(`Cell In ?\\[${count}\\], line (\\d+)`).exec(text) ??
    new RegExp(`In ?\\[${count}\\], in <cell line: (\\d+)>`).exec(text) ??
    new RegExp(`In ?\\[${count}\\][^\\n]*\\n(?:[^\\n]*\\n)*?-+> (\\d+) `).exec(text) ??
    /<ipython-input-[^>]*>[^\n]*line (\d+)|<ipython-input-[^>]*>[^\n]*\n(?:[^\n]*\n)*?-+> (\d+) /.exec(text);
  const line = python?.[1] ?? python?.[2];
  return line === undefined ? {} : { line: Number(line) };
}
