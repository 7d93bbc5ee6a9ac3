/**
 * The types of a notebook session: a TypeScript language server that knows what the cells declared. One document is
 * rewritten for whatever is looked at now, so that the server can reuse all else.
 *
 * The server updates its program in about a millisecond when one document changed since it last looked and that document
 * still imports from the same modules in the same order; else it builds the program anew, which takes ten times as long.
 * So changes are made known one at a time.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EmitOptions } from "../compile/transform.ts";
import { wordsOf } from "./declarations.ts";
import { globalsDeclaration } from "./globals.ts";
import { findTypeScript, LspClient } from "./lsp-client.ts";
import { type CellText, Scope } from "./scope.ts";
import { type Change, scopeFile } from "./scope-documents.ts";
import { type NotebookConfig, notebookConfig } from "./tsconfig.ts";

/** An error that TypeScript found. Lines and columns count from 1, in UTF-16 units. */
export interface TypeDiagnostic {
  readonly code: number;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** A position as LSP counts: lines from 0, columns from 0 in UTF-16 units. */
export interface LspPosition {
  readonly line: number;
  readonly character: number;
}

/** Found at run time with better advice (a package that is missing), or no error to a notebook (one without types). */
const leftToRuntime = new Set([7016, 2792]);

const importsTslab = /(?:\bfrom|\brequire\(|\bimport\(?)\s*["']tslab["']/;

export class TypeSession {
  readonly #folder: string;
  readonly #config: NotebookConfig;
  #asTslab = false;
  readonly #client: LspClient;
  /** The open documents: their versions and texts as the server knows them. */
  readonly #open = new Map<string, { version: number; text: string }>();
  readonly #scope = new Scope();
  /** Local modules that cells imported, with the time of their last change. */
  readonly #watched = new Map<string, number>();
  #tail: Promise<unknown> = Promise.resolve();

  /** @throws TypeScriptMissingError where there is no TypeScript 7. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#client = new LspClient(findTypeScript(), folder);
    // The project's own file is among its files: the server would look for another project that has it, up to the root of
    // the disk, and read that one whole.
    const files = ["tsconfig.json", ".convbook.d.ts", scopeFile, ".convbook-cell.mts", ".convbook-cell.tsx"];
    this.#config = notebookConfig(
      folder,
      files.map((name) => join(folder, name)),
    );
    this.#client
      .request("initialize", {
        processId: process.pid,
        rootUri: pathToFileURL(folder).href,
        // Else it tells in six messages what it did for a request, and of cells that are not files.
        initializationOptions: { logVerbosity: 0, disablePushDiagnostics: true },
        capabilities: {
          general: { positionEncodings: ["utf-16"] },
          textDocument: {
            hover: { contentFormat: ["markdown", "plaintext"] },
            completion: { completionItem: { snippetSupport: false, insertReplaceSupport: false } },
            signatureHelp: {
              signatureInformation: {
                documentationFormat: ["markdown"],
                parameterInformation: { labelOffsetSupport: true },
              },
            },
            diagnostic: {},
          },
        },
      })
      .catch(() => {});
    this.#client.notify("initialized", {});
    // Completions of what a cell does not import yet could only be offered together with a change elsewhere in it.
    this.#client.notify("workspace/didChangeConfiguration", {
      settings: { "js/ts": { suggest: { autoImports: false } } },
    });
    this.#put("tsconfig.json", this.#config.project, "json");
    this.#put(".convbook.d.ts", globalsDeclaration);
    for (const { file, text } of this.#scope.begin()) {
      this.#put(file, text);
    }
    // Reads the standard library's declarations while nothing waits for them.
    this.check({ source: "console.log(1)", names: { variables: [], values: [], types: [] } }).catch(() => {});
  }

  get emit(): EmitOptions {
    return this.#config.emit;
  }

  /** What is wrong with the user's tsconfig.json, if anything. */
  get problem(): string | undefined {
    return this.#config.problem;
  }

  get ended(): boolean {
    return this.#client.ended;
  }

  /** The type errors of a cell that is about to run. */
  check(cell: CellText): Promise<TypeDiagnostic[]> {
    return this.#inTurn(async () => {
      this.#refreshWatched();
      this.#followTslab(cell.source);
      const found = await this.#diagnose(cell);
      if (found.some(({ code }) => code === 2307)) {
        // It may have been installed or written since the server looked.
        this.#client.notify("workspace/didChangeWatchedFiles", {
          changes: [
            { uri: this.#uri("node_modules"), type: 1 },
            { uri: this.#uri("package.json"), type: 2 },
          ],
        });
        const again = await this.#diagnose(cell);
        return again.filter(({ code, message }) => code !== 2307 || /'\.{0,2}\//.test(message));
      }
      return found;
    });
  }

  /** Makes what a cell declares known to the cells after it; what is asked from here on takes it into account. */
  declare(cell: CellText): void {
    this.#apply(() => this.#scope.declare(cell));
  }

  /** Forgets every declaration: the process that had them is gone. */
  reset(): void {
    this.#apply(() => this.#scope.reset());
  }

  /** Asks the server about a position in a cell. */
  ask(method: string, cell: CellText, position: LspPosition, more: object = {}): Promise<unknown> {
    return this.#inTurn(() => {
      const file = this.#show(cell, method === "textDocument/completion");
      return this.#client.request(method, {
        textDocument: { uri: this.#uri(file) },
        position: { line: position.line + 1, character: position.character },
        ...more,
      });
    });
  }

  /** Where a place that the server names is in a cell that ran: its line, from 1. */
  lineInCell(uri: string, line: number): number | undefined {
    const at = this.#scope.lineInCell(uri.slice(uri.lastIndexOf("/") + 1), line);
    return at === undefined ? undefined : at + 1;
  }

  /** Looks, from now on before each check, whether a local module was edited. */
  watch(file: string): void {
    this.#watched.set(file, modified(file));
  }

  close(): void {
    this.#client.kill();
  }

  /** One thing after another: what is shown must not change while the server is asked about it. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Gives the server changed documents one by one, and has it update its program after each. */
  #apply(change: () => Change[]): void {
    this.#inTurn(async () => {
      for (const { file, text } of change()) {
        if (this.#put(file, text)) {
          await this.#client.request("textDocument/foldingRange", { textDocument: { uri: this.#uri(file) } });
        }
      }
    }).catch(() => {});
  }

  async #diagnose(cell: CellText): Promise<TypeDiagnostic[]> {
    const file = this.#show(cell, false);
    const report = (await this.#client.request("textDocument/diagnostic", {
      textDocument: { uri: this.#uri(file) },
    })) as { items?: LspDiagnostic[] };
    const lines = cell.source.split("\n");
    return (report.items ?? [])
      .filter(({ severity, range, code }) => {
        const line = range.start.line - 1;
        const told = !leftToRuntime.has(Number(code)) && !this.#config.tolerated.has(Number(code));
        return severity === 1 && line >= 0 && line < lines.length && told;
      })
      .map(({ code, message, range }) => ({
        code: Number(code),
        message: plainMessage(message),
        line: range.start.line,
        column: range.start.character + 1,
        length:
          range.end.line === range.start.line
            ? Math.max(1, range.end.character - range.start.character)
            : Math.max(1, (lines[range.start.line - 1]?.length ?? 0) - range.start.character),
      }));
  }

  /** Writes a cell into the document for what is looked at now, with the names that it mentions or with every name. */
  #show(cell: CellText, everyName: boolean): string {
    const file = cell.jsx ? ".convbook-cell.tsx" : ".convbook-cell.mts";
    const prelude = this.#scope.prelude(
      cell.names,
      everyName ? undefined : [...wordsOf(cell.source), ...(cell.implied ?? [])],
    );
    this.#put(file, `${prelude}\n${cell.source}\nexport {};`);
    return file;
  }

  /** From the cell that imports tslab on, the notebook is one for tslab, which does not check strictly. */
  #followTslab(source: string): void {
    const { looseProject } = this.#config;
    if (this.#asTslab || looseProject === undefined || !importsTslab.test(source)) {
      return;
    }
    this.#asTslab = true;
    this.#put("tsconfig.json", looseProject, "json");
    this.#client.notify("workspace/didChangeWatchedFiles", { changes: [{ uri: this.#uri("tsconfig.json"), type: 2 }] });
  }

  #refreshWatched(): void {
    const changes: { uri: string; type: number }[] = [];
    for (const [file, before] of this.#watched) {
      const now = modified(file);
      if (now !== before) {
        this.#watched.set(file, now);
        changes.push({ uri: pathToFileURL(file).href, type: now === 0 ? 3 : 2 });
      }
    }
    if (changes.length > 0) {
      this.#client.notify("workspace/didChangeWatchedFiles", { changes });
    }
  }

  #uri(file: string): string {
    return pathToFileURL(join(this.#folder, file)).href;
  }

  /** Gives the server a document's text; false where it has that already. */
  #put(file: string, text: string, languageId = file.endsWith(".tsx") ? "typescriptreact" : "typescript"): boolean {
    const known = this.#open.get(file);
    const changed = known?.text !== text;
    const uri = this.#uri(file);
    if (known === undefined) {
      this.#open.set(file, { version: 1, text });
      this.#client.notify("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } });
    } else if (changed) {
      known.text = text;
      known.version++;
      const textDocument = { uri, version: known.version };
      this.#client.notify("textDocument/didChange", { textDocument, contentChanges: [{ text }] });
    }
    return changed;
  }
}

interface LspDiagnostic {
  readonly severity?: number;
  readonly code?: number | string;
  readonly message: string;
  readonly range: { readonly start: LspPosition; readonly end: LspPosition };
}

/** Without lines that say the same as the one before, and in a notebook's terms. */
function plainMessage(message: string): string {
  const lines = message.split("\n");
  return lines
    .filter((line, i) => line.trim() !== lines[i - 1]?.trim())
    .join("\n")
    .replace("because it is an import.", "because it is a constant of an earlier cell.");
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
