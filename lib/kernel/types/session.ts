/**
 * The types of a notebook session. Each cell is a module that imports what earlier cells declare; the newest declaration
 * of a name counts. One document is rewritten for whatever is looked at now, so that the server can reuse all else; a
 * cell that ran and declares something gets a document of its own for those after it.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { EmitOptions } from "../compile/transform.ts";
import { type CellNames, wordsOf } from "./declarations.ts";
import { globalsDeclaration } from "./globals.ts";
import { findTypeScript, LspClient } from "./lsp-client.ts";
import { type NotebookConfig, notebookConfig } from "./tsconfig.ts";

/** An error that TypeScript found. Lines and columns count from 1, in UTF-16 units. */
export interface TypeDiagnostic {
  readonly code: number;
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** A cell's TypeScript as it is checked; `jsx` where it has JSX syntax. */
export interface CellText {
  readonly source: string;
  readonly names: CellNames;
  readonly jsx?: boolean;
}

/** A position as LSP counts: lines from 0, columns from 0 in UTF-16 units. */
export interface LspPosition {
  readonly line: number;
  readonly character: number;
}

interface CellDocument {
  readonly file: string;
  /** Documents that it imports from. */
  uses: Set<CellDocument>;
  names: CellNames;
  prelude: string;
}

type Kind = "variable" | "value" | "type";

/** Found at run time with better advice (a package that is missing), or no error to a notebook (one without types). */
const leftToRuntime = new Set([7016, 2792]);

export class TypeSession {
  readonly #folder: string;
  readonly #config: NotebookConfig;
  readonly #client: LspClient;
  readonly #versions = new Map<string, number>();
  /** The document that declares each name now. */
  readonly #scope = new Map<string, { readonly document: CellDocument; readonly kind: Kind }>();
  readonly #documents = new Set<CellDocument>();
  /** Local modules that cells imported, with the time of their last change. */
  readonly #watched = new Map<string, number>();
  #count = 0;

  /** @throws TypeScriptMissingError where there is no TypeScript 7. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#client = new LspClient(findTypeScript(), folder);
    this.#config = notebookConfig(
      folder,
      [".convbook.d.ts", ".convbook-cell.mts", ".convbook-cell.tsx"].map((name) => join(folder, name)),
    );
    this.#client
      .request("initialize", {
        processId: process.pid,
        rootUri: pathToFileURL(folder).href,
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
    this.#open("tsconfig.json", this.#config.project, "json");
    this.#open(".convbook.d.ts", globalsDeclaration);
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
  async check(cell: CellText): Promise<TypeDiagnostic[]> {
    this.#refreshWatched();
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
  }

  /** Makes what a cell declares known to the cells after it. */
  declare(cell: CellText): void {
    const { names, source } = cell;
    const all = [...names.variables, ...names.values, ...names.types];
    if (all.length === 0) {
      return;
    }
    const words = wordsOf(source);
    const uses = new Set<CellDocument>();
    const prelude = this.#prelude(names, words, uses);
    const text = `${prelude}\n${withoutExports(source)}\n${exportsOf(names)}`;
    const reusable = this.#replaceable(all, cell.jsx === true);
    const document: CellDocument = reusable ?? {
      file: `.convbook-cell-${++this.#count}.${cell.jsx ? "tsx" : "mts"}`,
      uses,
      names,
      prelude,
    };
    if (reusable === undefined) {
      this.#documents.add(document);
      this.#open(document.file, text);
    } else {
      Object.assign(document, { uses, names, prelude });
      this.#change(document.file, text);
    }
    for (const [kind, list] of [
      ["variable", names.variables],
      ["value", names.values],
      ["type", names.types],
    ] as const) {
      for (const name of list) {
        this.#scope.set(name, { document, kind });
      }
    }
    this.#closeUnreachable();
  }

  /** Forgets every declaration: the process that had them is gone. */
  reset(): void {
    this.#scope.clear();
    this.#closeUnreachable();
  }

  /** Asks the server about a position in a cell. */
  async ask(method: string, cell: CellText, position: LspPosition, more: object = {}): Promise<unknown> {
    const file = this.#show(cell);
    const result = await this.#client.request(method, {
      textDocument: { uri: this.#uri(file) },
      position: { line: position.line + 1, character: position.character },
      ...more,
    });
    return result;
  }

  /** Looks, from now on before each check, whether a local module was edited. */
  watch(file: string): void {
    this.#watched.set(file, modified(file));
  }

  close(): void {
    this.#client.kill();
  }

  async #diagnose(cell: CellText): Promise<TypeDiagnostic[]> {
    const file = this.#show(cell);
    const report = (await this.#client.request("textDocument/diagnostic", {
      textDocument: { uri: this.#uri(file) },
    })) as { items?: LspDiagnostic[] };
    const lines = cell.source.split("\n");
    return (report.items ?? [])
      .filter(({ severity, range, code }) => {
        const line = range.start.line - 1;
        return severity === 1 && line >= 0 && line < lines.length && !leftToRuntime.has(Number(code));
      })
      .map(({ code, message, range }) => ({
        code: Number(code),
        message: message.replace("because it is an import.", "because it is a constant of an earlier cell."),
        line: range.start.line,
        column: range.start.character + 1,
        length:
          range.end.line === range.start.line
            ? Math.max(1, range.end.character - range.start.character)
            : Math.max(1, (lines[range.start.line - 1]?.length ?? 0) - range.start.character),
      }));
  }

  /** Writes a cell into the document for what is looked at now. */
  #show(cell: CellText): string {
    const file = cell.jsx ? ".convbook-cell.tsx" : ".convbook-cell.mts";
    const text = `${this.#prelude(cell.names)}\n${cell.source}\nexport {};`;
    if (this.#versions.has(file)) {
      this.#change(file, text);
    } else {
      this.#open(file, text);
    }
    return file;
  }

  /** One line that brings earlier cells' names in: those of `words`, or all. Documents used are added to `uses`. */
  #prelude(own: CellNames, words?: ReadonlySet<string>, uses?: Set<CellDocument>): string {
    const hidden = new Set([...own.variables, ...own.values, ...own.types]);
    const imports = new Map<CellDocument, string[]>();
    let variables = "";
    for (const [name, { document, kind }] of this.#scope) {
      if (hidden.has(name) || (words !== undefined && !words.has(name))) {
        continue;
      }
      uses?.add(document);
      if (kind === "variable") {
        variables += `declare let ${name}: typeof import("./${document.file}").${name};`;
      } else {
        const list = imports.get(document) ?? [];
        list.push(kind === "type" ? `type ${name}` : name);
        imports.set(document, list);
      }
    }
    let text = "";
    for (const [document, list] of imports) {
      text += `import {${list.join(", ")}} from "./${document.file}";`;
    }
    return text + variables;
  }

  /** A document whose every live name the new cell declares anew and that no other uses: it can be rewritten. */
  #replaceable(names: readonly string[], jsx: boolean): CellDocument | undefined {
    const declared = new Set(names);
    const candidates = new Set(names.map((name) => this.#scope.get(name)?.document));
    for (const document of candidates) {
      if (document === undefined || document.file.endsWith(".tsx") !== jsx) {
        continue;
      }
      const live = [...this.#scope].filter(([, entry]) => entry.document === document).map(([name]) => name);
      const used = [...this.#documents].some((other) => other !== document && other.uses.has(document));
      if (!used && live.every((name) => declared.has(name))) {
        return document;
      }
    }
    return undefined;
  }

  #closeUnreachable(): void {
    const reachable = new Set<CellDocument>();
    const visit = (document: CellDocument) => {
      if (!reachable.has(document)) {
        reachable.add(document);
        document.uses.forEach(visit);
      }
    };
    for (const { document } of this.#scope.values()) {
      visit(document);
    }
    for (const document of this.#documents) {
      if (!reachable.has(document)) {
        this.#documents.delete(document);
        this.#versions.delete(document.file);
        this.#client.notify("textDocument/didClose", { textDocument: { uri: this.#uri(document.file) } });
      }
    }
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

  #open(file: string, text: string, languageId = file.endsWith(".tsx") ? "typescriptreact" : "typescript"): void {
    this.#versions.set(file, 1);
    this.#client.notify("textDocument/didOpen", {
      textDocument: { uri: this.#uri(file), languageId, version: 1, text },
    });
  }

  #change(file: string, text: string): void {
    const version = (this.#versions.get(file) ?? 1) + 1;
    this.#versions.set(file, version);
    this.#client.notify("textDocument/didChange", {
      textDocument: { uri: this.#uri(file), version },
      contentChanges: [{ text }],
    });
  }
}

interface LspDiagnostic {
  readonly severity?: number;
  readonly code?: number | string;
  readonly message: string;
  readonly range: { readonly start: LspPosition; readonly end: LspPosition };
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The cell's own exports would collide with the one that is added. */
function withoutExports(source: string): string {
  return source.replace(
    /^(\s*)export(?=\s+(?:const|let|var|function|async|class|abstract|enum|interface|type\s+[\w$]+\s*[=<]|namespace|declare)\b)/gm,
    "$1      ",
  );
}

function exportsOf({ variables, values, types }: CellNames): string {
  const list = [...variables, ...values, ...types.map((name) => `type ${name}`)];
  return `export {${list.join(", ")}};`;
}
