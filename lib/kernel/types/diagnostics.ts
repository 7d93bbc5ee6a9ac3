/** What the language server says of a document, in a notebook's terms. */
import { isBuiltin } from "node:module";
import type { LspClient } from "./lsp-client.ts";

/** An error that TypeScript found. Lines and columns count from 1, in UTF-16 units. */
export interface TypeDiagnostic {
  readonly code: number;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
  /** The local module that has it; undefined where the cell does. */
  readonly module?: { readonly file: string; readonly text: string };
}

/** A position as LSP counts: lines from 0, columns from 0 in UTF-16 units. */
export interface LspPosition {
  readonly line: number;
  readonly character: number;
}

export interface LspDiagnostic {
  readonly severity?: number;
  readonly code?: number | string;
  readonly message: string;
  readonly range: { readonly start: LspPosition; readonly end: LspPosition };
}

/** Found at run time with better advice (a package that is missing), or no error to a notebook (one without types). */
const leftToRuntime = new Set([7016, 2792]);

/** The errors of a document: as it is open, else as it is on disk and the notebook's project sees it. */
export async function errorsOf(client: LspClient, uri: string): Promise<LspDiagnostic[]> {
  const report = await client.request("textDocument/diagnostic", { textDocument: { uri } });
  const { items = [] } = report as { items?: LspDiagnostic[] };
  return items.filter(({ severity, code }) => severity === 1 && !leftToRuntime.has(Number(code)));
}

/** Errors in a text that follows `before` other lines in its document; those in the other lines are left out. */
export function located(errors: readonly LspDiagnostic[], text: string, before: number): TypeDiagnostic[] {
  const lines = text.split("\n");
  return errors
    .filter(({ range }) => range.start.line >= before && range.start.line < lines.length + before)
    .map(({ code, message, range: { start, end } }) => ({
      code: Number(code),
      message: plainMessage(message),
      line: start.line - before + 1,
      column: start.character + 1,
      length: Math.max(
        1,
        (end.line === start.line ? end.character : (lines[start.line - before]?.length ?? 0)) - start.character,
      ),
    }));
}

/** A file's language, as the protocol names it. */
export function languageOf(file: string): string {
  const script = /js(x?)$/.exec(file) === null ? "typescript" : "javascript";
  return /x$/.test(file) ? `${script}react` : script;
}

/** Without lines that say the same as the one before, nor advice that leads to declarations of what this Node does not have. */
function plainMessage(message: string): string {
  const builtin = /^Cannot find (?:name|module)[^']*'(node:[^']*)'/.exec(message)?.[1];
  if (builtin !== undefined && !isBuiltin(builtin)) {
    return `Cannot find module '${builtin}': Node ${process.versions.node} does not have it.`;
  }
  const lines = message
    .replace(/ Do you need to change your target library\?.*/, " It is not in the library that cells are checked with.")
    .split("\n");
  return lines.filter((line, i) => line.trim() !== lines[i - 1]?.trim()).join("\n");
}
