/**
 * The types of a notebook session: a TypeScript language server that knows what the cells declared. One document is
 * rewritten for whatever is looked at now, so that the server can reuse all else.
 *
 * The server updates its program in about a millisecond when one document changed since it last looked and that document
 * still imports from the same modules in the same order; else it builds the program anew, which takes ten times as long.
 * So changes are made known one at a time.
 */
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EmitOptions } from "../compile/remove-types.ts";
import { wordsOf } from "./declarations.ts";
import { errorsOf, type LspPosition, languageOf, located, type TypeDiagnostic } from "./diagnostics.ts";
import { findTypeScript } from "./find-typescript.ts";
import { globalsDeclaration } from "./globals.ts";
import { LspClient } from "./lsp-client.ts";
import { moduleErrors } from "./module-errors.ts";
import { nodeDeclaration } from "./node-globals.ts";
import { modifiedAt, ReachedFiles } from "./reached.ts";
import { type CellText, Scope } from "./scope.ts";
import { type Change, scopeFile } from "./scope-documents.ts";
import { type NotebookConfig, notebookConfig } from "./tsconfig.ts";

/** What an import stands for in the checker's documents, in a notebook's terms. */
const constant = "because it is a constant of an earlier cell.";

/** A module that is not there, imported for its names or for its effect. */
const notFound = new Set([2307, 2882]);

/**
 * Whether a module that was not found is told at run time: a package, with how to install it, and what this Node has but older
 * declarations of the user's do not.
 */
function leftToRuntime(message: string): boolean {
  const specifier = /'(.*?)'/.exec(message)?.[1] ?? "";
  return !/^(?:\.{0,2}\/|node:)/.test(specifier) || isBuiltin(specifier);
}

/** `import name = require("package")` in a module; cells have `require`. */
const importEquals = 1202;

export class TypeSession {
  readonly #folder: string;
  readonly #config: NotebookConfig;
  readonly #client: LspClient;
  /** The open documents: their versions and texts as the server knows them. */
  readonly #open = new Map<string, { version: number; text: string }>();
  readonly #scope = new Scope();
  readonly #reached: ReachedFiles;
  /** Local modules that the server may have read, with the time of their last change. */
  readonly #watched = new Map<string, number>();
  #tail: Promise<unknown> = Promise.resolve();

  /**
   * @param loose Without the strict checks, where the folder has no tsconfig.json.
   * @throws TypeScriptMissingError where there is no TypeScript 7.
   */
  constructor(folder: string, loose = false) {
    this.#folder = folder;
    this.#client = new LspClient(findTypeScript(), folder);
    // The project's own file is among its files: the server would look for another project that has it, up to the root of
    // the disk, and read that one whole.
    const files = ["tsconfig.json", ".convbook.d.ts", scopeFile, ".convbook-cell.mts", ".convbook-cell.tsx"];
    this.#config = notebookConfig(
      folder,
      files.map((name) => join(folder, name)),
    );
    this.#reached = new ReachedFiles(folder, this.#config.javascript);
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
    const { project, looseProject } = this.#config;
    this.#put("tsconfig.json", loose ? (looseProject ?? project) : project, "json");
    this.#put(".convbook.d.ts", this.#config.hasPages ? globalsDeclaration : globalsDeclaration + nodeDeclaration);
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

  /** The type errors of a cell that is about to run, and then of the user's modules that it imports, whatever imports them. */
  check(cell: CellText): Promise<TypeDiagnostic[]> {
    return this.#inTurn(async () => {
      const modules = this.#reached.from(cell.source);
      this.#refreshWatched(modules);
      const found = await this.#look(cell, modules.keys());
      if (!found.some(({ code }) => notFound.has(code))) {
        return found;
      }
      // It may have been installed or written since the server looked.
      this.#client.notify("workspace/didChangeWatchedFiles", {
        changes: [
          { uri: this.#uri("node_modules"), type: 1 },
          { uri: this.#uri("package.json"), type: 2 },
        ],
      });
      const again = await this.#look(cell, modules.keys());
      return again.filter(({ code, message }) => !notFound.has(code) || !leftToRuntime(message));
    });
  }

  /** Makes what a cell declares known to the cells after it; what is asked from here on takes it into account. */
  declare(cell: CellText): void {
    this.#apply(() => this.#scope.declare(cell));
  }

  /** Checks without the strict checks from here on, where the folder has no tsconfig.json. */
  loosen(): void {
    this.#inTurn(async () => {
      const { looseProject } = this.#config;
      if (looseProject !== undefined && this.#put("tsconfig.json", looseProject, "json")) {
        const changes = [{ uri: this.#uri("tsconfig.json"), type: 2 }];
        this.#client.notify("workspace/didChangeWatchedFiles", { changes });
      }
    }).catch(() => {});
  }

  /** Forgets every declaration: the process that had them is gone. */
  reset(): void {
    this.#apply(() => this.#scope.reset());
  }

  /**
   * Asks the server about a position in a cell.
   *
   * @param everyName Whether the answer may contain names that the cell does not mention.
   * @param more Further parameters of the request.
   */
  ask(
    method: string,
    cell: CellText,
    position: LspPosition,
    { everyName = false, ...more }: { readonly everyName?: boolean; readonly [parameter: string]: unknown } = {},
  ): Promise<unknown> {
    return this.#inTurn(() => {
      const file = this.#show(cell, everyName);
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
    this.#watched.set(file, modifiedAt(file));
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

  async #look(cell: CellText, modules: Iterable<string>): Promise<TypeDiagnostic[]> {
    return [...(await this.#diagnose(cell)), ...(await moduleErrors(this.#client, this.#config, modules))];
  }

  async #diagnose(cell: CellText): Promise<TypeDiagnostic[]> {
    const errors = await errorsOf(this.#client, this.#uri(this.#show(cell, false)));
    // A line before the cell's brings in the names of earlier ones.
    return located(errors, cell.source, 1)
      .filter(({ code }) => code !== importEquals && !this.#config.tolerated.has(code))
      .map((error) => ({ ...error, message: error.message.replace("because it is an import.", constant) }));
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

  #refreshWatched(reached: ReadonlyMap<string, number>): void {
    const changes: { uri: string; type: number }[] = [];
    for (const file of new Set([...this.#watched.keys(), ...reached.keys()])) {
      const now = reached.get(file) ?? modifiedAt(file);
      const before = this.#watched.get(file);
      if (now !== before) {
        this.#watched.set(file, now);
        const uri = pathToFileURL(file).href;
        changes.push({ uri, type: now === 0 ? 3 : 2 });
        if (!before) {
          // Perhaps it is new, and belongs to a project that the server has read.
          changes.push({ uri, type: 1 });
        }
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
  #put(file: string, text: string, languageId = languageOf(file)): boolean {
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
