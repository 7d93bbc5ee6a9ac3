/** Runs the cells of a restored submission in one kernel, within limits, and keeps what its grades are read from. */
import { readdirSync, readFileSync } from "node:fs";
import {
  CellGuard,
  CellOutputs,
  type CodeCell,
  type DisplayRegistry,
  joinLines,
  type KernelManager,
  type Kernelspec,
  type Output,
} from "nbconvert-ts-runner";
import type { AssignmentCell } from "../source/index.ts";
import { gradeType } from "../source/points.ts";
import { fieldsOf, firstLine } from "../values.ts";
import type { BoxFolders, BoxRequest } from "./box.ts";
import { type Engine, engineOf } from "./engine.ts";
import { enclosed } from "./guard/enclose.ts";
import { Guard, type Proof } from "./guard/guard.ts";
import { declaredNames, importedPackages, lastingNames, sets } from "./guard/names.ts";
import { isScript, startBoxed } from "./kernel.ts";
import type { RestoredCell } from "./restore.ts";

/** How a cell ended. */
export interface CellRun {
  readonly status: "ok" | "error" | "timeout" | "died" | "notRun";
  readonly seconds: number;
  readonly error?: { readonly name: string; readonly message: string };
  readonly outputs: readonly Output[];
  /** Grades that were displayed while it ran, as messages. */
  readonly shown: readonly unknown[];
  /** Grades that were its result. */
  readonly results: readonly unknown[];
  /** What proves its end; undefined without one, or where the kernel has no guard. */
  readonly proof?: Proof | undefined;
  /** Why its kernel's guard proves nothing, where it says so. */
  readonly refusal?: string;
  /** The limit that it met. */
  readonly limit?: "time" | "memory" | "processes" | "output" | undefined;
}

export interface SessionResult {
  readonly runs: ReadonlyMap<RestoredCell, CellRun>;
  /** Grades that arrived for a cell that had ended, or for none: places of the cells, from 0, or -1. */
  readonly foreign: readonly number[];
  readonly seconds: number;
  readonly memory: number;
  readonly guarded: boolean;
  /** The backend of TensorFlow.js with which the cells computed; `null` where they used none. */
  readonly engine: Engine | null;
}

export interface SessionOptions {
  readonly spec: Kernelspec;
  readonly language: string;
  readonly request: BoxRequest;
  readonly folders: BoxFolders;
  readonly signal: AbortSignal | undefined;
}

/** Runs all code cells; never throws for what they do. A kernel that cannot be started is an error. */
export async function runCells(cells: readonly RestoredCell[], options: SessionOptions): Promise<SessionResult> {
  const kernel = await startBoxed(options.spec, options.request, options.folders);
  const session = new Session(kernel, cells, options);
  try {
    await session.run();
  } finally {
    await kernel.kill();
  }
  return session.result();
}

class Session {
  readonly #kernel: KernelManager;
  readonly #cells: readonly RestoredCell[];
  readonly #options: SessionOptions;
  readonly #runs = new Map<RestoredCell, CellRun>();
  readonly #displays: DisplayRegistry = new Map();
  readonly #foreign: number[] = [];
  readonly #begin = performance.now();
  readonly #answers: string;
  /** Names of the grader's that stay. */
  readonly #lasting = new Set<string>();
  #guard: Guard | undefined;
  #peak = 0;
  #dead = false;
  #engine: Engine | null = null;

  constructor(kernel: KernelManager, cells: readonly RestoredCell[], options: SessionOptions) {
    this.#kernel = kernel;
    this.#cells = cells;
    this.#options = options;
    this.#answers = cells
      .filter(({ of }) => of?.role === "solution" || of?.role === "manual")
      .map(({ of }) => of?.source ?? "")
      .join("\n");
    kernel.client.onStrayMessage = ({ content }) => {
      if (isGrade(content)) {
        this.#foreign.push(-1);
      }
    };
  }

  async run(): Promise<void> {
    if (isScript(this.#options.language)) {
      this.#guard = await Guard.install(this.#kernel);
    }
    for (const [index, cell] of this.#cells.entries()) {
      if (cell.cell.cell_type === "code" && joinLines(cell.cell.source).trim() !== "") {
        const run = this.#dead || this.#isTooLate(cell) ? notRun : await this.#cell(cell, cell.cell, index);
        this.#runs.set(cell, run);
        this.#dead ||= run.status === "died" || !this.#kernel.alive;
      }
    }
    if (this.#guard !== undefined && !this.#dead) {
      this.#engine = await engineOf(this.#kernel);
    }
  }

  /** Whether the time for all cells is up, so that what the student added to the assignment is not begun: there may be any number of it. */
  #isTooLate({ of }: RestoredCell): boolean {
    return of === undefined && (performance.now() - this.#begin) / 1000 > this.#options.request.limits.total;
  }

  result(): SessionResult {
    const seconds = [...this.#runs.values()].reduce((sum, run) => sum + run.seconds, 0);
    return {
      runs: this.#runs,
      foreign: this.#foreign,
      seconds,
      memory: this.#peak,
      guarded: this.#guard !== undefined,
      engine: this.#engine,
    };
  }

  async #cell(restored: RestoredCell, cell: CodeCell, index: number): Promise<CellRun> {
    const { of } = restored;
    const source = joinLines(cell.source);
    const isTests = of?.role === "tests";
    const start = performance.now();
    try {
      const isTrusted = !isTests && of !== undefined && isLockedCode(of);
      if (isTests) {
        await this.#guard?.arm(declaredNames(source));
      } else if (isTrusted) {
        await this.#guard?.trust();
      }
      const run = await this.#execute(cell, this.#codeOf(source, index, isTests), index, isTests);
      if (((!run.proof && isTests) || isTrusted) && this.#kernel.alive && run.status !== "died") {
        await this.#guard?.disarm();
      }
      if ((run.status === "ok" || run.status === "error") && of !== undefined && isLockedCode(of)) {
        const names = lastingNames(source).filter((name) => !sets(this.#answers, name));
        if (run.status === "error") {
          await this.#guard?.taken(names);
        } else {
          await this.#guard?.keep(names);
          await this.#guard?.hold(isTests ? [] : importedPackages(source));
          for (const name of names) {
            this.#lasting.add(name);
          }
        }
      }
      return run;
    } catch (error) {
      const seconds = (performance.now() - start) / 1000;
      const failure = { name: error instanceof Error ? error.name : "Error", message: firstLine(error) };
      return { status: "died", seconds, error: failure, outputs: cell.outputs, shown: [], results: [] };
    }
  }

  /** What is sent for a cell: one with tests enclosed, where there is a guard. */
  #codeOf(source: string, index: number, isTests: boolean): string {
    if (!isTests || this.#guard === undefined) {
      return source;
    }
    const later = this.#cells.slice(index + 1).filter(({ of }) => of !== undefined && isLockedCode(of));
    return enclosed(
      source,
      [...this.#lasting],
      later.map(({ of }) => of?.source ?? ""),
    );
  }

  async #execute(cell: CodeCell, code: string, index: number, isTests: boolean): Promise<CellRun> {
    const kernel = this.#kernel;
    const { limits } = this.#options.request;
    const outputs = new CellOutputs(cell, this.#displays, limits.output, () => {});
    const shown: unknown[] = [];
    const results: unknown[] = [];
    const start = performance.now();
    const left = limits.total - (start - this.#begin) / 1000;
    using guard = new CellGuard(kernel, {
      cellSeconds: Math.max(0.05, Math.min(limits.timeout, left)),
      notebookDeadline: undefined,
      notebookSeconds: undefined,
      memory: limits.memory,
      interruptGrace: 2,
      signal: this.#options.signal,
    });
    const family = watchProcesses(kernel, limits.processes, () =>
      guard.stop({
        status: "kernel-died",
        name: "ProcessLimitExceeded",
        message: `more than ${limits.processes} processes ran`,
      }),
    );
    try {
      const result = await kernel.client.execute(code, {
        stopOnError: false,
        storeHistory: true,
        idleTimeout: 1000,
        userExpressions: isTests ? (this.#guard?.expressions ?? {}) : {},
        onReply: () => guard.replied(),
        onInputRequest: () =>
          guard.stop({ status: "failed", name: "StdinNotAllowed", message: "the cell asks for input" }),
        onMessage: (message) => {
          const { content, header } = message;
          if (isGrade(content)) {
            (header.msg_type === "execute_result" ? results : shown).push(fieldsOf(content.data)[gradeType]);
          }
          outputs.add(message);
          if (outputs.overflowed) {
            guard.stop({
              status: "failed",
              name: "OutputLimitExceeded",
              message: `the cell put out more than ${limits.output} characters`,
            });
          }
        },
        onLateMessage: ({ content }) => {
          if (isGrade(content)) {
            this.#foreign.push(index);
          }
        },
      });
      // A short cell ends before its memory is looked at.
      if (guard.measure() > limits.memory) {
        const [took, most] = [guard.peakMemory, limits.memory].map((bytes) => Math.round(bytes / 2 ** 20));
        guard.stop({
          status: "kernel-died",
          name: "MemoryLimitExceeded",
          message: `the kernel took ${took} MiB, more than the limit of ${most} MiB`,
        });
      }
      const common = { seconds: (performance.now() - start) / 1000, outputs: cell.outputs, shown, results };
      if (guard.reason !== undefined) {
        return { ...common, ...stopped(guard.reason.name, guard.reason.message) };
      }
      if (result.metadata.kernel_died === true) {
        return { ...common, status: "died", error: errorOf(result.content) };
      }
      if (result.status !== "ok" || endsTheNotebook(result.content)) {
        return { ...common, status: "error", error: errorOf(result.content) };
      }
      const proof = isTests ? this.#guard?.proof(result.content) : undefined;
      const refusal = isTests && proof === undefined ? this.#guard?.refusal(result.content) : undefined;
      return { ...common, status: "ok", proof, ...(refusal !== undefined && { refusal }) };
    } catch (error) {
      const common = { seconds: (performance.now() - start) / 1000, outputs: cell.outputs, shown, results };
      if (guard.reason !== undefined) {
        return { ...common, ...stopped(guard.reason.name, guard.reason.message), status: "died" };
      }
      return {
        ...common,
        status: "died",
        error: { name: "KernelDied", message: firstLine(error) },
      };
    } finally {
      clearInterval(family);
      this.#peak = Math.max(this.#peak, guard.peakMemory);
    }
  }
}

const notRun: CellRun = { status: "notRun", seconds: 0, outputs: [], shown: [], results: [] };

function isLockedCode({ role }: AssignmentCell): boolean {
  return role === "readonly" || role === "tests";
}

function stopped(name: string, message: string): Pick<CellRun, "status" | "error" | "limit"> {
  const limits: Record<string, CellRun["limit"]> = {
    TimeoutError: "time",
    MemoryLimitExceeded: "memory",
    ProcessLimitExceeded: "processes",
    OutputLimitExceeded: "output",
  };
  return { status: name === "TimeoutError" ? "timeout" : "error", error: { name, message }, limit: limits[name] };
}

function errorOf(content: Readonly<Record<string, unknown>>): { name: string; message: string } {
  const { ename, evalue } = content;
  return { name: String(ename ?? "Error"), message: String(evalue ?? "the cell ended the notebook") };
}

/** IPython replies "ok" to a cell that asked it to end. */
function endsTheNotebook({ payload }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(payload) && payload.some((each) => fieldsOf(each).source === "ask_exit");
}

function isGrade(content: Readonly<Record<string, unknown>>): boolean {
  return gradeType in fieldsOf(content.data);
}

/** Ends a cell that starts too many processes. Looking costs little: only those of this kernel are read. */
function watchProcesses(kernel: KernelManager, most: number, tooMany: () => void): NodeJS.Timeout | undefined {
  if (process.platform !== "linux" || kernel.pid === undefined) {
    return undefined;
  }
  const { pid } = kernel;
  const timer = setInterval(() => {
    if (familySize(pid, most) > most) {
      tooMany();
    }
  }, 100);
  timer.unref();
  return timer;
}

function familySize(root: number, most: number): number {
  const family = [root];
  for (let i = 0; i < family.length && family.length <= most; i++) {
    try {
      for (const thread of readdirSync(`/proc/${family[i]}/task`)) {
        const children = readFileSync(`/proc/${family[i]}/task/${thread}/children`, "latin1").trim();
        family.push(...(children === "" ? [] : children.split(" ").map(Number)));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return family.length;
}
