/** Runs compiled cells one after another and reports how each ended. */
import vm from "node:vm";
import { post } from "./channel.ts";
import { describeError, type ErrorContent } from "./errors.ts";
import type { Frame } from "./frames.ts";
import { Importer } from "./importer.ts";
import { cellContext, setLatestCell } from "./notebook-io.ts";
import { asText, type MimeBundle, render } from "./render.ts";
import { type CompiledSource, registerSource } from "./stack.ts";

/** What a compiled cell gets as its argument. */
interface CellHelper {
  result: unknown;
  readonly import: Importer["import"];
  readonly meta: Importer["meta"];
}

interface RunningCell {
  readonly id: number;
  readonly expressions: Readonly<Record<string, string>>;
  settled: boolean;
}

/** A frame of type "execute". */
export interface ExecuteFrame extends Frame, CompiledSource {
  readonly type: "execute";
  readonly cell: number;
  /** The name that the cell has in stack traces. */
  readonly file: string;
  readonly declares: readonly string[];
  readonly expressions: Readonly<Record<string, string>>;
}

/** Where the agent finds the runner when it speaks through the inspector. */
export const runnerSymbol = Symbol.for("convbook.kernel.runner");

export class CellRunner {
  readonly #importer: Importer;
  #running: RunningCell | undefined;

  constructor(folder: string) {
    this.#importer = new Importer(folder);
    const globals = { require: this.#importer.require, __dirname: folder, __filename: this.#importer.meta.filename };
    for (const [name, value] of Object.entries(globals)) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
    Object.defineProperty(globalThis, runnerSymbol, { value: this });
    process.on("uncaughtException", (error) => this.#outside(error, "Uncaught"));
    process.on("unhandledRejection", (reason) => this.#outside(reason, "Unhandled rejection:"));
  }

  handle(frame: Frame): void {
    switch (frame.type) {
      case "execute":
        this.#execute(frame as ExecuteFrame);
    }
  }

  /** Ends the running cell after the agent stopped it; true when there is nothing more to stop. */
  interrupted(cell: number): boolean {
    if (this.#running?.id === cell) {
      const error: ErrorContent = {
        ename: "KeyboardInterrupt",
        evalue: "The cell was interrupted",
        traceback: ["\u001b[31mKeyboardInterrupt\u001b[39m: The cell was interrupted"],
      };
      this.#settle(this.#running, { status: "error", error });
    }
    return true;
  }

  #execute(frame: ExecuteFrame): void {
    const running: RunningCell = { id: frame.cell, expressions: frame.expressions, settled: false };
    this.#running = running;
    setLatestCell(frame.cell);
    registerSource(frame.file, {
      code: frame.code,
      js: frame.js,
      segments: frame.segments,
      map: frame.map,
      source: frame.source,
    });
    cellContext.run(frame.cell, () => this.#run(frame, running)).catch(() => {});
  }

  async #run(frame: ExecuteFrame, running: RunningCell): Promise<void> {
    const helper: CellHelper = {
      result: undefined,
      import: (specifier, options) => this.#importer.import(specifier, options),
      meta: this.#importer.meta,
    };
    try {
      for (const name of frame.declares) {
        declareGlobal(name);
      }
      const script = new vm.Script(frame.code, {
        filename: frame.file,
        importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });
      await (script.runInThisContext() as (helper: CellHelper) => Promise<void>)(helper);
      const result = helper.result === undefined ? undefined : await render(helper.result);
      // A rejection that nobody handles is known only after the microtasks: let it be this cell's.
      setImmediate(() => this.#settle(running, { status: "ok", result }));
    } catch (error) {
      setImmediate(() => this.#settle(running, { status: "error", error: describeError(error) }));
    }
  }

  #settle(
    cell: RunningCell,
    outcome: { status: "ok"; result: MimeBundle | undefined } | { status: "error"; error: ErrorContent },
  ): void {
    if (cell.settled) {
      return;
    }
    cell.settled = true;
    if (this.#running === cell) {
      this.#running = undefined;
    }
    const expressions = outcome.status === "ok" ? evaluateExpressions(cell.expressions) : {};
    post({ type: "done", cell: cell.id, ...outcome, expressions });
  }

  /** An error that reached nobody: the running cell's, else text for the cell that started the work. */
  #outside(error: unknown, what: string): void {
    const described = describeError(error);
    const cell = this.#running;
    if (cell !== undefined) {
      this.#settle(cell, { status: "error", error: described });
    } else {
      process.stderr.write(`${what} ${described.traceback.join("\n")}\n`);
    }
  }
}

/** Makes `name` a plain property of the global object that any cell can assign. */
function declareGlobal(name: string): void {
  const existing = Object.getOwnPropertyDescriptor(globalThis, name);
  if (existing === undefined || (existing.configurable && !existing.writable)) {
    Object.defineProperty(globalThis, name, { value: undefined, writable: true, configurable: true, enumerable: true });
  }
}

function evaluateExpressions(expressions: Readonly<Record<string, string>>): Record<string, unknown> {
  const results: Record<string, unknown> = {};
  for (const [name, expression] of Object.entries(expressions)) {
    try {
      const value: unknown = vm.runInThisContext(`(${expression}\n)`);
      results[name] = { status: "ok", data: { "text/plain": asText(value) }, metadata: {} };
    } catch (error) {
      results[name] = { status: "error", ...describeError(error) };
    }
  }
  return results;
}
