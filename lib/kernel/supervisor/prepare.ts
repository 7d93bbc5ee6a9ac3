/** From a cell's source to what the child can run: magics, types removed, types checked. */
import type { ErrorContent } from "../child/errors.ts";
import { codeFrame } from "../compile/code-frame.ts";
import { MagicError } from "../compile/magic-error.ts";
import { type Magics, type Shifts, type TypesMode, translateMagics } from "../compile/magics.ts";
import { CellSyntaxError, type EmitOptions, warmCompiler } from "../compile/remove-types.ts";
import { type CompiledCell, compileCell, objectInParentheses } from "../compile/transform.ts";
import { type DescribedCell, describeCell, jsxNames } from "../help/describe.ts";
import { cellNames } from "../types/declarations.ts";
import type { TypeDiagnostic } from "../types/diagnostics.ts";
import { TypeScriptMissingError } from "../types/find-typescript.ts";
import { LanguageServerError } from "../types/lsp-client.ts";
import type { CellText } from "../types/scope.ts";
import { TypeSession } from "../types/session.ts";
import { type Checks, checksFor } from "../types/written-for.ts";

export interface PreparedCell {
  readonly compiled: CompiledCell;
  readonly magics: Magics;
  /** Text for stderr before the cell runs: type errors that only warn, a checker that is missing. */
  readonly warning: string;
  /** Where the cell does not wait for the checker any longer: type errors as text for stderr, once they are known. */
  readonly lateWarning: Promise<string> | undefined;
  /** Makes the cell's declarations known to later cells; to be called once it runs. */
  readonly declare: () => void;
}

/** A cell that does not get to run; `content` is what the notebook shows. */
export class CellRefusedError extends Error {
  override readonly name = "CellRefusedError";
  readonly content: ErrorContent;

  constructor(content: ErrorContent) {
    super(content.evalue);
    this.content = content;
  }
}

const red = (text: string) => `\u001b[31m${text}\u001b[39m`;

const importsTslab = /(?:\bfrom|\brequire\(|\bimport\(?)\s*["']tslab["']/;

/** Nothing but numbers and operators: there is no type to be wrong. */
const arithmetic = /^[\d\s+\-*/%().;]*$/;

export class Preparer {
  readonly #folder: string;
  #types: TypeSession | undefined;
  #problem: string | undefined;
  /** Why there is no checker. */
  #missing: TypeScriptMissingError | undefined;
  #begun = false;
  #mode: TypesMode;
  /** A cell loaded magics of a module. */
  #extended = false;
  #loose: boolean;
  /** Names of Node's globals that cells declared for themselves. */
  readonly #shadowed = new Set<string>();
  /** Names of values that cells declared. */
  readonly #declared = new Set<string>();

  constructor(folder: string, { mode, loose }: Checks = checksFor("")) {
    this.#folder = folder;
    this.#mode = mode;
    this.#loose = loose;
  }

  /** Starts the checker, so that it has read its declarations when the first cell comes. */
  begin(): void {
    if (!this.#begun) {
      this.#begun = true;
      this.#startTypes();
      warmCompiler();
    }
  }

  /** The checker, for completions and the like; undefined where there is none. */
  get types(): TypeSession | undefined {
    this.begin();
    if (this.#types?.ended) {
      this.#problem = "TypeScript's language server ended; it was started again and knows nothing of earlier cells.";
      this.#startTypes();
    }
    return this.#types;
  }

  /**
   * Prepares a cell.
   *
   * @param code The cell as the user wrote it.
   * @param file Its name in messages, such as `In [3]`.
   * @param wait How long the cell waits for the checker, ms; until it is done unless given.
   * @throws CellRefusedError on a syntax error, a type error, or a wrong magic.
   */
  async prepare(code: string, file: string, wait?: number): Promise<PreparedCell> {
    this.begin();
    let magics: Magics;
    let compiled: CompiledCell;
    let shifted: Shifts = new Map();
    try {
      const translated = translateMagics(code, this.#declared, this.#extended);
      const whole = objectInParentheses(translated.code);
      shifted = whole === translated.code ? translated.shifted : new Map([[1, 1]]);
      magics = { ...translated, code: whole, shifted };
      const sloppy = (magics.cellTypes ?? magics.notebookTypes ?? this.#mode) === "off";
      compiled = await compileCell(magics.code, this.#types?.emit, this.#shadowed, sloppy);
    } catch (error) {
      throw refusal(error, code, file, shifted);
    }
    this.#mode = magics.notebookTypes ?? this.#mode;
    this.#extended ||= magics.extends;
    if (!this.#loose && !magics.opaque && importsTslab.test(magics.code)) {
      // From here on the notebook is one for tslab.
      this.#loose = true;
      this.#types?.loosen();
    }
    const mode = magics.cellTypes ?? this.#mode;
    const cell = textOf(magics.code, compiled, this.#types?.emit);
    let warning = this.#takeProblem();
    let lateWarning: Promise<string> | undefined;
    if (mode !== "off" && !magics.opaque && !arithmetic.test(magics.code)) {
      // Who is not there to read a warning relies on the check.
      const strict = wait === undefined && mode === "error";
      const check = this.#check(cell, strict).then((found) =>
        found.map((error) => (error.module === undefined ? unshifted(error, shifted) : error)),
      );
      const errors = await (wait === undefined ? check : Promise.race([check, after(wait)]));
      if (errors === undefined) {
        lateWarning = check.then((late) => this.#takeProblem() + warningOf(late, code, file, ranBefore));
      } else if (errors.length > 0 && mode === "error") {
        throw new CellRefusedError(typeError(errors, code, file));
      } else {
        warning += this.#takeProblem() + warningOf(errors, code, file);
      }
    }
    const declare = () => {
      this.types?.declare(cell);
      for (const name of compiled.shadows) {
        this.#shadowed.add(name);
      }
      for (const name of compiled.names) {
        this.#declared.add(name);
      }
    };
    return { compiled, magics, warning, lateWarning, declare };
  }

  /** The cell being edited, for the checker. */
  describe(code: string): Promise<DescribedCell> {
    let source = code;
    let shifted: Shifts | undefined;
    try {
      ({ code: source, shifted } = translateMagics(code, this.#declared, this.#extended));
    } catch (error) {
      if (!(error instanceof MagicError)) {
        throw error;
      }
    }
    return describeCell(source, this.#types?.emit, shifted);
  }

  reset(): void {
    this.#shadowed.clear();
    this.#declared.clear();
    this.#types?.reset();
  }

  close(): void {
    this.#types?.close();
  }

  #startTypes(): void {
    try {
      this.#types = new TypeSession(this.#folder, this.#loose);
      this.#problem ??= this.#types.problem;
    } catch (error) {
      if (!(error instanceof TypeScriptMissingError)) {
        throw error;
      }
      this.#types = undefined;
      this.#missing = error;
      this.#problem = `${error.message}: cells run without type checking`;
    }
  }

  /** @throws CellRefusedError where the cell must not run without its types checked, and they cannot be. */
  async #check(cell: CellText, strict: boolean): Promise<TypeDiagnostic[]> {
    const { types } = this;
    if (types === undefined) {
      if (strict && this.#missing !== undefined) {
        throw unchecked(this.#missing);
      }
      return [];
    }
    try {
      return await types.check(cell);
    } catch (error) {
      if (error instanceof LanguageServerError) {
        if (strict) {
          throw unchecked(error);
        }
        this.#problem ??= `This cell's types were not checked: ${error.message}`;
        return [];
      }
      throw error;
    }
  }

  #takeProblem(): string {
    const problem = this.#problem;
    this.#problem = undefined;
    return problem === undefined ? "" : `${problem}\n`;
  }
}

function textOf(source: string, compiled: CompiledCell, emit: EmitOptions = {}): CellText {
  const { names, mutable, jsx } = compiled;
  return { source, names: cellNames(source, names, mutable), jsx, implied: jsx ? jsxNames(emit) : [] };
}

const ranBefore = "The cell ran before its types were checked:\n";

function warningOf(errors: readonly TypeDiagnostic[], code: string, file: string, intro = ""): string {
  return errors.length === 0 ? "" : `${intro}${typeError(errors, code, file).traceback.join("\n")}\n`;
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}

function typeError(errors: readonly TypeDiagnostic[], code: string, file: string): ErrorContent {
  const [first] = errors as [TypeDiagnostic];
  const describe = ({ code: number, message, line, column, module }: TypeDiagnostic) =>
    `TS${number}: ${message} (${module?.file ?? file}:${line}:${column})`;
  const shown = errors.slice(0, 5);
  const traceback = shown.flatMap((error) => [
    `${red("TypeScriptError")}: ${describe(error)}`,
    codeFrame(error.module?.text ?? code, error.line, error.column, error.length),
  ]);
  if (errors.length > shown.length) {
    traceback.push(`and ${errors.length - shown.length} more`);
  }
  return { ename: "TypeScriptError", evalue: describe(first), traceback };
}

/** An unattended run must not pass because nothing looked. */
function unchecked({ name, message }: Error): CellRefusedError {
  const evalue = `This cell's types were not checked, so it did not run: ${message}. To run a notebook without: %types off`;
  return new CellRefusedError({ ename: name, evalue, traceback: [`${red(name)}: ${evalue}`] });
}

/** Where the user wrote what the code has further right. */
function unshifted<T extends { readonly line: number; readonly column: number }>(at: T, shifted: Shifts): T {
  return { ...at, column: Math.max(1, at.column - (shifted.get(at.line) ?? 0)) };
}

function refusal(error: unknown, code: string, file: string, shifted: Shifts): unknown {
  if (error instanceof CellSyntaxError) {
    const { length, message } = error;
    const { line, column } = unshifted({ line: error.line, column: error.column }, shifted);
    const evalue = `${message} (${file}:${line}:${column})`;
    const traceback = [`${red("SyntaxError")}: ${evalue}`, codeFrame(code, line, column, length)];
    return new CellRefusedError({ ename: "SyntaxError", evalue, traceback });
  }
  if (error instanceof MagicError) {
    const traceback = [`${red(error.name)}: ${error.message}`];
    return new CellRefusedError({ ename: error.name, evalue: error.message, traceback });
  }
  return error;
}
