/** Runs compiled cells one after another and reports how each ended. */
import vm from "node:vm";
import { post } from "../wire/channel.ts";
import { type ExecuteFrame, interruptedError, type Order } from "../wire/messages.ts";
import { bindImport } from "./bindings.ts";
import { asText, type MimeBundle } from "./bundle.ts";
import { cellContext } from "./cell-context.ts";
import { comms, endStoppedComm, handleComm } from "./comms.ts";
import { clearOutput, display, displaysShown } from "./display.ts";
import { describeError, type ErrorContent } from "./errors.ts";
import { Importer, type ImportOptions, type Namespace } from "./importer.ts";
import { alert, allowInput, confirm, prompt, promptPassword } from "./input.ts";
import { cellMagic, lineMagic, shell, stopCommands } from "./magics.ts";
import { endGroups, endStreams, print, setLatestCell } from "./notebook-io.ts";
import { exposed, items, settled, UserError, userGlobal, userProcess, userPromise } from "./realm.ts";
import { render, renderMetadata } from "./render.ts";
import { beginCell, signalCell } from "./signals.ts";
import { isNested, registerSource } from "./stack.ts";
import { refreshBoards } from "./tensorboard.ts";
import { printWallTime, time, timeit, timer } from "./timing.ts";
import { widgets } from "./widgets.ts";

/** What a compiled cell gets as its argument. */
interface CellHelper {
  result: unknown;
  readonly import: (specifier: string, options?: ImportOptions, names?: Record<string, string>) => Promise<Namespace>;
  readonly meta: Importer["meta"];
  /** What cells declared under names of Node's globals. */
  readonly shadows: Record<string, unknown>;
  /** One of them, to be called without a `this`. */
  readonly shadow: (name: string) => unknown;
  readonly shell: typeof shell;
  readonly lineMagic: (name: string, args: string) => Promise<void>;
  readonly cellMagic: typeof cellMagic;
  readonly time: typeof time;
  readonly startTimer: () => void;
  readonly stopTimer: () => void;
  readonly timeit: typeof timeit;
}

interface RunningCell {
  readonly frame: ExecuteFrame;
  readonly started: number;
  settled: boolean;
}

type Outcome =
  | { status: "ok"; result: MimeBundle | undefined; metadata?: Record<string, unknown> }
  | { status: "error"; error: ErrorContent };

const { Script, constants } = vm;
const { runInThisContext } = Script.prototype;

/** Calls from the inspector down to where `interrupted` asks what runs below: the function that it sends, and that one itself. */
const interruptedFrames = 2;

/** Where the agent finds the runner when it speaks through the inspector. */
export const runnerSymbol = Symbol.for("convbook.kernel.runner");

/** `process.exit` in a cell: the cell ends, the kernel stays. */
class ProcessExit extends UserError {
  override readonly name = "ProcessExit";
}

export class CellRunner {
  readonly #importer: Importer;
  readonly #reallyExit = process.exit;
  readonly #declared = new Set<string>();
  readonly #shadows: Record<string, unknown> = Object.create(null);
  #running: RunningCell | undefined;
  /** The latest cell whose end was told; cells are numbered in the order in which they come. */
  #ended = 0;

  constructor(folder: string) {
    this.#importer = new Importer(folder);
    const globals = {
      require: this.#importer.require,
      module: this.#importer.module,
      exports: this.#importer.module.exports,
      __dirname: folder,
      __filename: this.#importer.meta.filename,
      display,
      clearOutput,
      prompt,
      promptPassword,
      confirm,
      alert,
      comms,
      widgets,
    };
    for (const [name, value] of Object.entries(globals)) {
      const shown = typeof value === "object" || typeof value === "function" ? exposed(value as object) : value;
      Object.defineProperty(userGlobal, name, { value: shown, writable: true, configurable: true });
    }
    Object.defineProperty(userGlobal, runnerSymbol, { value: this });
    this.#listen();
    userProcess.exit = exposed((code?: number | string | null): never => {
      throw new ProcessExit(
        `process.exit(${code ?? userProcess.exitCode ?? ""}) was called. The kernel goes on with all its variables; to end it, shut it down.`,
      );
    });
    // Cells can find it, and must not come between it and what it is told.
    Object.freeze(this);
  }

  readonly #onError = (error: unknown) => this.#outside(error, "Uncaught");
  readonly #onRejection = (reason: unknown, promise: unknown) =>
    this.#outside(reason, "Unhandled rejection:", cellContext.originOf(promise));

  /** Hears of errors that nobody catches, also after a cell that removed all listeners. */
  #listen(): void {
    for (const [event, listener] of [
      ["uncaughtException", this.#onError],
      ["unhandledRejection", this.#onRejection],
    ] as const) {
      // Node tells of each new listener by `process.emit`, which is the cells' to replace.
      if (!items<unknown>(process.rawListeners(event)).includes(listener)) {
        process.on(event as "uncaughtException", listener as never);
      }
    }
  }

  handle(frame: Order, buffers: readonly Uint8Array[]): void {
    switch (frame.type) {
      case "execute":
        this.#execute(frame);
        return;
      case "comm":
        handleComm(frame, buffers, (error) => this.#outside(error, "Error in a comm's listener:"));
        return;
      case "interrupt":
        if (this.#running !== undefined && this.#running.frame.cell === frame.cell) {
          cellContext.run(this.#running.frame.cell, signalCell);
        }
        return;
      case "exit":
        this.#reallyExit(0);
    }
  }

  /**
   * Ends a cell after the agent stopped what ran. The cell may be one that has not begun, whose order waits or was lost with
   * what was stopped, or one that has run but whose end is not told yet.
   *
   * @param last Whether the cell ends whatever runs.
   * @returns False where something still runs, which is to be stopped before: it began behind what was stopped.
   */
  interrupted(cell: number, last: boolean): boolean {
    const alive = cell > this.#ended || (cell === 0 && this.#running === undefined);
    if (alive && !last && isNested(interruptedFrames)) {
      return false;
    }
    endStoppedComm();
    if (cell > this.#ended) {
      stopCommands();
      const outcome: Outcome = { status: "error", error: interruptedError };
      if (this.#running?.frame.cell === cell && !this.#running.settled) {
        this.#settle(this.#running, outcome);
      } else {
        post({ type: "done", cell, ...outcome });
        this.#ended = cell;
      }
    }
    cellContext.enter(0);
    return true;
  }

  /** The variables that cells declared, for the debugger. */
  variables(): Record<string, unknown> {
    const globals = userGlobal;
    const all: [string, Record<string, unknown>][] = [
      ...[...this.#declared].map((name): [string, Record<string, unknown>] => [name, globals]),
      ...Object.keys(this.#shadows).map((name): [string, Record<string, unknown>] => [name, this.#shadows]),
    ];
    return Object.fromEntries(
      all.flatMap(([name, holder]) => {
        try {
          return [[name, holder[name]]];
        } catch {
          // An import that its module does not have, or not yet.
          return [];
        }
      }),
    );
  }

  /** A value as a cell would show it, for the debugger, which cannot wait for one that takes its time. */
  rendered(value: unknown): MimeBundle {
    const bundle = render(value);
    return bundle instanceof Promise ? { "text/plain": asText(value) } : bundle;
  }

  #execute(frame: ExecuteFrame): void {
    if (frame.cell <= this.#ended) {
      // It was interrupted before it began.
      return;
    }
    const running: RunningCell = { frame, started: performance.now(), settled: false };
    this.#running = running;
    this.#listen();
    setLatestCell(frame.cell);
    beginCell();
    allowInput(frame.allowStdin);
    const { file, code, js, segments, map, source, shifted } = frame;
    registerSource(file, { code, js, segments, map, source, shifted });
    cellContext.run(frame.cell, () => this.#run(running));
  }

  async #run(running: RunningCell): Promise<void> {
    const { frame } = running;
    const helper: CellHelper = {
      result: undefined,
      import: (specifier, options, names = {}) => userPromise(this.#import(frame, specifier, options, names)),
      meta: this.#importer.meta,
      shadows: this.#shadows,
      shadow: (name) => this.#shadows[name],
      shell,
      lineMagic: (name, args) =>
        lineMagic(name, args, {
          source: frame.source,
          id: frame.cellId,
          import: (specifier) => this.#importer.import(specifier),
        }),
      cellMagic,
      time,
      ...timer(),
      timeit,
    };
    let outcome: Outcome;
    try {
      for (const name of frame.declares) {
        declareGlobal(name, frame.late.includes(name));
        this.#declared.add(name);
      }
      for (const name of frame.ownShadows) {
        this.#declareShadow(name);
      }
      const script = new Script(frame.code, {
        filename: frame.file,
        importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });
      await settled((Reflect.apply(runInThisContext, script, []) as (helper: CellHelper) => unknown)(helper));
      const bundle = helper.result === undefined ? {} : await render(helper.result);
      await displaysShown();
      outcome =
        Object.keys(bundle).length === 0
          ? { status: "ok", result: undefined }
          : { status: "ok", result: bundle, metadata: renderMetadata(helper.result) };
    } catch (error) {
      outcome = { status: "error", error: describeError(error) };
    }
    refreshBoards();
    // A rejection that nobody handles is known only after the microtasks: let it be this cell's.
    setImmediate(() => this.#settle(running, outcome));
  }

  async #import(
    frame: ExecuteFrame,
    specifier: string,
    options: ImportOptions | undefined,
    names: Readonly<Record<string, string>>,
  ): Promise<Namespace> {
    const namespace = await this.#importer.import(specifier, options);
    for (const [name, exported] of Object.entries(names)) {
      const shadow = frame.shadows.includes(name);
      bindImport(shadow ? this.#shadows : userGlobal, name, namespace, exported, specifier);
      if (!shadow) {
        this.#declared.add(name);
      }
    }
    return namespace;
  }

  /** Gives the cells their own variable of a name of Node's: at first with what that is. */
  #declareShadow(name: string): void {
    const existing = Object.getOwnPropertyDescriptor(this.#shadows, name);
    if (existing === undefined || existing.get !== undefined) {
      const value = existing === undefined ? userGlobal[name] : existing.get?.();
      Object.defineProperty(this.#shadows, name, { value, writable: true, configurable: true, enumerable: true });
    }
  }

  #settle(cell: RunningCell, outcome: Outcome): void {
    if (cell.settled) {
      return;
    }
    cell.settled = true;
    if (this.#running === cell) {
      this.#running = undefined;
    }
    const { frame } = cell;
    if (frame.timed) {
      cellContext.run(frame.cell, () => printWallTime(performance.now() - cell.started));
    }
    const ended =
      outcome.status === "ok" ? { ...outcome, expressions: evaluateExpressions(frame.expressions) } : outcome;
    cellContext.run(frame.cell, endStreams);
    if (outcome.status === "error") {
      endGroups();
    }
    post({ type: "done", cell: frame.cell, ...ended });
    this.#ended = frame.cell;
  }

  /** An error that reached nobody: the running cell's if it started the work, else text for the cell that did. */
  #outside(error: unknown, what: string, origin = cellContext.originOf(error)): void {
    const described = describeError(error);
    const cell = this.#running;
    if (cell !== undefined && (origin === undefined || origin === cell.frame.cell)) {
      this.#settle(cell, { status: "error", error: described });
    } else {
      cellContext.run(origin ?? 0, () => print("stderr", `${what} ${described.traceback.join("\n")}\n`));
    }
  }
}

Object.freeze(CellRunner.prototype);

/** Makes `name` a plain property of the global object that any cell can assign. */
function declareGlobal(name: string, late: boolean): void {
  const existing = Object.getOwnPropertyDescriptor(userGlobal, name);
  if (existing !== undefined && !(existing.configurable && !existing.writable)) {
    return;
  }
  const become = (value: unknown) => {
    Object.defineProperty(userGlobal, name, { value, writable: true, configurable: true, enumerable: true });
  };
  if (!late) {
    become(undefined);
    return;
  }
  // A cell that fails before it comes to a declaration leaves no value behind that looks like one.
  Object.defineProperty(userGlobal, name, {
    get: () => {
      throw new userGlobal.ReferenceError(`${name} has no value: the cell that declares it did not come to that line`);
    },
    set: become,
    configurable: true,
    enumerable: false,
  });
}

function evaluateExpressions(expressions: Readonly<Record<string, string>>): Record<string, unknown> {
  const results: Record<string, unknown> = {};
  for (const [name, expression] of Object.entries(expressions)) {
    try {
      const value: unknown = Reflect.apply(runInThisContext, new Script(`(${expression}\n)`), []);
      results[name] = { status: "ok", data: { "text/plain": asText(value) }, metadata: {} };
    } catch (error) {
      results[name] = { status: "error", ...describeError(error) };
    }
  }
  return results;
}
