/** What the supervisor and the process that runs the user's code say to each other, by `type`. */
import type { ErrorContent } from "../child/errors.ts";
import type { CompiledSource } from "../child/stack.ts";
import type { Json } from "../protocol/message.ts";
import type { StreamName } from "./text-ring.ts";

/** A cell to run. */
export interface ExecuteFrame extends CompiledSource {
  readonly type: "execute";
  readonly cell: number;
  /** The name that the cell has in stack traces. */
  readonly file: string;
  /** The id that the cell has in its notebook, where the front-end says so. */
  readonly cellId: string | undefined;
  readonly declares: readonly string[];
  /** Those of them that have no value before their declaration has run. */
  readonly late: readonly string[];
  /** Names of Node's globals that this cell or an earlier one declares. */
  readonly shadows: readonly string[];
  readonly ownShadows: readonly string[];
  readonly timed: boolean;
  readonly allowStdin: boolean;
  readonly expressions: Readonly<Record<string, string>>;
}

/** A message of a comm, in either direction; its buffers go with the frame. */
export interface CommFrame {
  readonly type: "comm";
  readonly kind: string;
  /** What its output belongs to. */
  readonly cell: number;
  readonly id: string;
  readonly target?: unknown;
  readonly data?: unknown;
  readonly metadata?: unknown;
}

/** To the user's process. */
export type Order =
  | ExecuteFrame
  | CommFrame
  | { readonly type: "interrupt"; readonly cell: number; readonly gentle: boolean }
  | { readonly type: "input"; readonly value: string }
  | { readonly type: "inspect"; readonly id: number; readonly method: string; readonly params: Json }
  | { readonly type: "exit" };

/** How a cell ended. */
export type Outcome =
  | {
      readonly status: "ok";
      readonly result?: Json | undefined;
      readonly metadata?: Json;
      readonly expressions: Json;
      /** What a front-end shows beside the notebook, such as help. */
      readonly payload?: readonly Json[];
    }
  | {
      readonly status: "error";
      readonly error: ErrorContent;
      /** The process ended, with all that the cells before had made. */
      readonly died?: true;
    };

/** What a cell ends with that was stopped. */
export const interruptedError: ErrorContent = {
  ename: "KeyboardInterrupt",
  evalue: "The cell was interrupted",
  traceback: ["\u001b[31mKeyboardInterrupt\u001b[39m: The cell was interrupted"],
};

/** From the user's process. */
export type Report =
  | { readonly type: "ready" }
  /** Without `text` it is the frame's buffer. */
  | { readonly type: "stream"; readonly cell: number; readonly name: StreamName; readonly text?: string }
  | {
      readonly type: "display";
      readonly cell: number;
      readonly data: unknown;
      readonly metadata: unknown;
      readonly transient: unknown;
      readonly update: boolean;
    }
  | { readonly type: "clear"; readonly cell: number; readonly wait: boolean }
  | ({ readonly type: "done"; readonly cell: number } & Outcome)
  | CommFrame
  | { readonly type: "comm-handled"; readonly cell: number }
  | { readonly type: "input"; readonly cell: number; readonly prompt: string; readonly password: boolean }
  | { readonly type: "module"; readonly file: string }
  | { readonly type: "inspected"; readonly id: number; readonly result: Json }
  | { readonly type: "inspected"; readonly id: number; readonly error: string }
  | { readonly type: "inspector-event"; readonly method: string; readonly params: Json };

/** One message between the two processes. */
export type Frame = Order | Report;
