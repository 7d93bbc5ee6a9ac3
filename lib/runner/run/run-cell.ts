/** Runs one code cell and says how it ended. */
import { stripVTControlCharacters } from "node:util";
import { KernelDiedError } from "../errors.ts";
import type { ExecuteResult } from "../kernels/client.ts";
import type { KernelManager } from "../kernels/manager.ts";
import type { Message } from "../kernels/message.ts";
import { type CodeCell, joinLines, tagsOf } from "../notebook/types.ts";
import type { AfterCell } from "./after-cell.ts";
import { raiseAsked } from "./cell-info.ts";
import { failureOf } from "./failure.ts";
import { CellGuard, type GuardLimits } from "./guard.ts";
import { asksToEnd, endsWell, errorOf, judge } from "./judge.ts";
import { CellOutputs, type DisplayRegistry, type OutputEvent } from "./outputs.ts";
import type { CellFailure, CellStatus } from "./types.ts";

export interface CellRun {
  readonly kernel: KernelManager;
  readonly cell: CodeCell;
  /** What runs behind it where it raised nothing. */
  readonly after: readonly AfterCell[];
  readonly displays: DisplayRegistry;
  readonly limits: GuardLimits;
  readonly maxOutput: number;
  readonly allowErrors: boolean;
  /** Keep times in the metadata. */
  readonly record: boolean;
  readonly onChange: (cell: CodeCell) => void;
  readonly onOutput: (change: OutputEvent) => void;
}

export interface CellOutcome {
  readonly status: CellStatus;
  readonly seconds: number;
  readonly peakMemory: number | undefined;
  readonly tensors: number | undefined;
  readonly failure: CellFailure | undefined;
  /** Whether the next cells can and should run. */
  readonly goOn: boolean;
  readonly warning: string | undefined;
}

/** TensorFlow.js keeps its engine there: how many tensors are alive, where it is loaded. */
const tensorExpression = { tensors: "globalThis._tfengine?.memory?.().numTensors" };

const scriptLanguages = /^(typescript|javascript|ts|js)$/i;

/** Runs the cell; never throws for what the cell or the kernel does. */
export async function runCell(run: CellRun): Promise<CellOutcome> {
  const { kernel, cell } = run;
  const expectsError = raiseAsked(cell) !== undefined;
  const allowsError = expectsError || run.allowErrors || tagsOf(cell).includes("allow-errors");
  cell.outputs = [];
  cell.execution_count = null;
  run.onChange(cell);
  const outputs = new CellOutputs(cell, run.displays, run.maxOutput, run.onChange);
  const times: Record<string, string> = {};
  const start = performance.now();
  using guard = new CellGuard(kernel, run.limits);
  let result: ExecuteResult | undefined;
  let afterwards: "ends" | CellFailure | undefined;
  let death: Error | undefined;
  try {
    result = await kernel.client.execute(joinLines(cell.source), {
      stopOnError: !allowsError,
      userExpressions: scriptLanguages.test(kernel.spec.language) ? tensorExpression : {},
      onInputRequest: (prompt) =>
        guard.stop({
          status: "failed",
          name: "StdinNotAllowed",
          message: `the cell asks for input (${JSON.stringify(prompt)}), but nobody is there to answer`,
        }),
      onReply: () => guard.replied(),
      onMessage: (message) => {
        const type = message.header.msg_type;
        if (run.record && (type === "status" || type === "execute_input")) {
          times[type === "status" ? `iopub.status.${message.content.execution_state}` : "iopub.execute_input"] =
            new Date().toISOString();
        }
        const change = outputs.add(message);
        if (outputs.overflowed) {
          guard.stop({
            status: "failed",
            name: "OutputLimitExceeded",
            message: `the cell put out more than ${run.maxOutput} characters (--max-output)`,
          });
        }
        if (change !== undefined) {
          run.onOutput(change);
        }
      },
      onLateMessage: lateOutput(outputs, run.onOutput),
    });
    times["shell.execute_reply"] = new Date().toISOString();
    afterwards = result.status === "ok" && guard.reason === undefined ? await runAfter(run, guard) : undefined;
  } catch (error) {
    death = error as Error;
  }
  const seconds = (performance.now() - start) / 1000;
  guard.measure();
  const peakMemory = guard.peakMemory === 0 ? undefined : guard.peakMemory;
  const tensors = tensorCount(result);
  if (result?.executionCount != null) {
    cell.execution_count = result.executionCount;
  }
  if (run.record) {
    cell.metadata.execution = times;
    const recorded = {
      seconds: round(seconds),
      ...(peakMemory !== undefined && { peakMemory }),
      ...(tensors !== undefined && { tensors }),
    };
    cell.metadata.measured = recorded;
  }
  const common = { seconds, peakMemory, tensors, warning: warningOf(result, death) };
  const stopped = stopFailure(guard, death);
  if (stopped !== undefined) {
    outputs.note({
      ename: stopped.failure.name,
      evalue: stopped.failure.message,
      output_type: "error",
      traceback: [...stopped.failure.traceback],
    });
    return { ...common, ...stopped, goOn: false };
  }
  run.onChange(cell);
  if (result?.metadata.kernel_died === true) {
    // Its own error says how.
    const failure = failureOf(outputs.error ?? errorOf(result), cell.execution_count);
    return { ...common, status: "kernel-died", failure, goOn: false };
  }
  if (typeof afterwards === "object") {
    return { ...common, status: "failed", failure: afterwards, goOn: allowsError };
  }
  const judged = judge(cell, outputs.error, result as ExecuteResult, { expectsError, allowsError });
  return { ...common, ...judged, goOn: judged.goOn && afterwards === undefined };
}

/** Runs what the metadata asks for behind the cell; how it ended where that was not as it should, or where it ended the notebook. */
async function runAfter({ kernel, after }: CellRun, guard: CellGuard): Promise<"ends" | CellFailure | undefined> {
  for (const { what, code } of after) {
    guard.asks();
    const result = await kernel.client.execute(code, { storeHistory: false, onReply: () => guard.replied() });
    if (asksToEnd(result) || endsWell(errorOf(result))) {
      return "ends";
    }
    const { status, content } = result;
    if (status !== "ok") {
      const { ename, evalue, traceback } = content;
      const message = stripVTControlCharacters(`${what} failed: ${ename ?? status}: ${evalue ?? ""}`);
      return {
        name: typeof ename === "string" ? ename : "Error",
        message,
        traceback: [message, ...(Array.isArray(traceback) ? traceback.map(String) : [])],
      };
    }
  }
  return undefined;
}

/** Takes what a cell puts out after its end. Made apart from {@link runCell}, so that it keeps nothing else of the cell alive. */
function lateOutput(outputs: CellOutputs, onOutput: CellRun["onOutput"]): (message: Message) => void {
  return (message) => {
    const change = outputs.add(message);
    if (change !== undefined) {
      onOutput(change);
    }
  };
}

function stopFailure(
  guard: CellGuard,
  death: Error | undefined,
): { status: CellStatus; failure: CellFailure } | undefined {
  const { reason } = guard;
  if (reason !== undefined) {
    const message = guard.killed
      ? `${reason.message}; it ignored the interrupt, so the kernel was killed`
      : reason.message;
    return {
      status: reason.status,
      failure: { name: reason.name, message, traceback: [`${reason.name}: ${message}`] },
    };
  }
  if (death !== undefined) {
    const name = death instanceof KernelDiedError ? "KernelDied" : "KernelError";
    return {
      status: "kernel-died",
      failure: { name, message: death.message, traceback: [`${name}: ${death.message}`] },
    };
  }
  return undefined;
}

function warningOf(result: ExecuteResult | undefined, death: Error | undefined): string | undefined {
  return result !== undefined && !result.idle && death === undefined
    ? "the kernel replied but never said that it was idle: outputs of this cell may be missing"
    : undefined;
}

function tensorCount(result: ExecuteResult | undefined): number | undefined {
  const expressions = result?.content.user_expressions as
    | { tensors?: { status?: string; data?: Record<string, unknown> } }
    | undefined;
  const text = expressions?.tensors?.status === "ok" ? expressions.tensors.data?.["text/plain"] : undefined;
  const plain = stripVTControlCharacters(String(Array.isArray(text) ? text.join("") : (text ?? "")));
  return /^\d+$/.test(plain) ? Number(plain) : undefined;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
