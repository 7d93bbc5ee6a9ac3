/**
 * The debugger that Jupyter front-ends drive: the Debug Adapter Protocol on the control channel, answered by V8's
 * inspector in the user's process. A cell is a source file named by the hash of its text.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Positions } from "../compile/positions.ts";
import type { CompiledCell } from "../compile/transform.ts";
import type { Json } from "../protocol/message.ts";
import { messageOf } from "../values.ts";
import { murmur2 } from "./murmur2.ts";

/** The way to the inspector of the user's main thread. */
export interface Inspector {
  inspect(method: string, params?: Json): Promise<Json>;
}

const hashSeed = 0xc70f6907;
const prefix = join(tmpdir(), `convbook_${process.pid}`, "/");
const suffix = ".ts";

interface CallFrame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber?: number;
  };
  readonly scopeChain: readonly {
    readonly type: string;
    readonly name?: string;
    readonly object: { readonly objectId?: string };
  }[];
}

interface RemoteObject {
  readonly type: string;
  readonly subtype?: string;
  readonly value?: unknown;
  readonly description?: string;
  readonly unserializableValue?: string;
  readonly objectId?: string;
}

interface Property {
  readonly name: string;
  readonly value?: RemoteObject;
  readonly enumerable?: boolean;
}

interface Evaluated {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject; readonly text?: string };
}

/** What V8 answers to the commands that are asked for an answer. */
interface Answers {
  readonly "Debugger.evaluateOnCallFrame": Evaluated;
  readonly "Debugger.setBreakpointByUrl": { readonly breakpointId: string };
  readonly "Runtime.evaluate": Evaluated;
  readonly "Runtime.getProperties": { readonly result: readonly Property[] };
}

/** The arguments of DAP's commands, each of which has some of them. */
interface Arguments {
  readonly breakpoints?: readonly { readonly line: number }[];
  readonly code?: unknown;
  readonly expression?: unknown;
  readonly filters?: readonly string[];
  readonly frameId?: number;
  readonly source?: { readonly path?: unknown };
  readonly variableName?: unknown;
  readonly variablesReference?: unknown;
}

interface Cell {
  readonly file: string;
  readonly positions: Positions;
}

/** Where the user's variables are listed, in the user's process. */
const runner = 'globalThis[Symbol.for("convbook.kernel.runner")]';

export class Debugger {
  readonly #inspector: Inspector;
  readonly #emit: (event: Json) => void;
  #started = false;
  #sequence = 0;
  /** Lines that were asked for, by the path of their cell. */
  readonly #breakpoints = new Map<string, number[]>();
  /** V8's ids of those that are set, by the path of their cell. */
  readonly #set = new Map<string, string[]>();
  /** Text of each cell whose path was given out. */
  readonly #texts = new Map<string, string>();
  readonly #cells = new Map<string, Cell>();
  readonly #paths = new Map<string, string>();
  /** Names of the cells' scripts, by V8's number for them. */
  readonly #scripts = new Map<string, string>();
  #frames: readonly CallFrame[] = [];
  /** Objects that may be looked into, by DAP's number for them. */
  #objects: string[] = [];
  #stepping = false;

  constructor(inspector: Inspector, emit: (event: Json) => void) {
    this.#inspector = inspector;
    this.#emit = emit;
  }

  /** Answers one DAP request. */
  async answer(request: Json): Promise<Json> {
    const command = String(request.command);
    const reply = { type: "response", request_seq: request.seq, seq: ++this.#sequence, command };
    try {
      const body = await this.#command(command, request.arguments ?? {});
      return { ...reply, success: true, body };
    } catch (error) {
      return { ...reply, success: false, message: messageOf(error), body: {} };
    }
  }

  /** Sets the breakpoints of a cell that is about to run under the script name `file`. */
  async beforeCell(file: string, code: string, compiled: CompiledCell): Promise<void> {
    if (!this.#started) {
      return;
    }
    const path = pathOf(code);
    this.#texts.set(path, code);
    this.#cells.set(path, { file, positions: new Positions(compiled) });
    this.#paths.set(file, path);
    await this.#apply(path);
  }

  onEvent(method: string, params: Json): void {
    if (method === "Debugger.scriptParsed") {
      this.#scripts.set(String(params.scriptId), String(params.url));
    } else if (method === "Debugger.paused") {
      this.#onPaused(params);
    } else if (method === "Debugger.resumed" && this.#frames.length > 0) {
      this.#frames = [];
      this.#objects = [];
      this.#event("continued", { threadId: 1, allThreadsContinued: true });
    }
  }

  /** The process is a fresh one: it knows no breakpoints. */
  reset(): void {
    this.#frames = [];
    this.#set.clear();
    this.#cells.clear();
    this.#paths.clear();
    this.#scripts.clear();
    if (this.#started) {
      this.#enable().catch(() => {});
    }
  }

  async #command(command: string, args: Arguments): Promise<Json> {
    switch (command) {
      case "initialize":
        setImmediate(() => this.#event("initialized", {}));
        return {
          supportsConfigurationDoneRequest: true,
          supportsEvaluateForHovers: true,
          supportsSetVariable: false,
          supportsTerminateRequest: true,
          exceptionBreakpointFilters: [
            { filter: "uncaught", label: "Uncaught errors", default: false },
            { filter: "all", label: "All errors", default: false },
          ],
        };
      case "attach":
      case "launch":
        await this.#enable();
        this.#started = true;
        return {};
      case "debugInfo":
        return {
          isStarted: this.#started,
          hashMethod: "Murmur2",
          hashSeed,
          tmpFilePrefix: prefix,
          tmpFileSuffix: suffix,
          breakpoints: [...this.#breakpoints].map(([source, lines]) => ({
            source,
            breakpoints: lines.map((line) => ({ line })),
          })),
          stoppedThreads: this.#frames.length > 0 ? [1] : [],
          richRendering: true,
          exceptionPaths: ["uncaught", "all"],
          copyToGlobals: false,
        };
      case "dumpCell": {
        const code = String(args.code ?? "");
        this.#texts.set(pathOf(code), code);
        return { sourcePath: pathOf(code) };
      }
      case "source": {
        const path = String(args.source?.path);
        const text = this.#texts.get(path);
        if (text === undefined) {
          throw new Error(`No cell is known as ${path}`);
        }
        return { content: text, mimeType: "text/typescript" };
      }
      case "setBreakpoints":
        return this.#setBreakpoints(args);
      case "setExceptionBreakpoints": {
        const { filters = [] } = args;
        const state = filters.includes("all") ? "all" : filters.length > 0 ? "uncaught" : "none";
        await this.#inspector.inspect("Debugger.setPauseOnExceptions", { state });
        return {};
      }
      case "configurationDone":
      case "modules":
        return command === "modules" ? { modules: [], totalModules: 0 } : {};
      case "threads":
        return { threads: [{ id: 1, name: "main" }] };
      case "stackTrace":
        return this.#stackTrace();
      case "scopes":
        return this.#scopes(Number(args.frameId));
      case "variables":
        return { variables: await this.#variables(Number(args.variablesReference)) };
      case "inspectVariables":
        return { variables: await this.#notebookVariables() };
      case "richInspectVariables":
        return this.#richVariable(args);
      case "evaluate":
        return this.#evaluate(args);
      case "continue":
        await this.#resume("Debugger.resume");
        return { allThreadsContinued: true };
      case "next":
        await this.#resume("Debugger.stepOver");
        return {};
      case "stepIn":
        await this.#resume("Debugger.stepInto");
        return {};
      case "stepOut":
        await this.#resume("Debugger.stepOut");
        return {};
      case "pause":
        await this.#inspector.inspect("Debugger.pause");
        return {};
      case "disconnect":
      case "terminate":
        this.#started = false;
        this.#breakpoints.clear();
        this.#set.clear();
        this.#frames = [];
        await this.#inspector.inspect("Debugger.disable");
        setImmediate(() => this.#event("terminated", {}));
        return {};
      default:
        throw new Error(`The debugger knows no command ${command}`);
    }
  }

  async #ask<Command extends keyof Answers>(command: Command, params: Json): Promise<Answers[Command]> {
    return (await this.#inspector.inspect(command, params)) as Answers[Command];
  }

  async #enable(): Promise<void> {
    await this.#inspector.inspect("Debugger.enable");
    const own = new URL("..", import.meta.url).href.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    await this.#inspector.inspect("Debugger.setBlackboxPatterns", { patterns: [`^${own}`, "^node:"] });
  }

  async #resume(method: string): Promise<void> {
    if (this.#frames.length === 0) {
      throw new Error("Nothing is paused");
    }
    this.#stepping = method !== "Debugger.resume";
    await this.#inspector.inspect(method);
  }

  async #setBreakpoints(args: Arguments): Promise<Json> {
    const path = String(args.source?.path);
    const lines = (args.breakpoints ?? []).map(({ line }) => line);
    if (lines.length > 0) {
      this.#breakpoints.set(path, lines);
    } else {
      this.#breakpoints.delete(path);
    }
    await this.#apply(path);
    return { breakpoints: lines.map((line, i) => ({ id: i + 1, verified: true, line, source: { path } })) };
  }

  async #apply(path: string): Promise<void> {
    for (const breakpointId of this.#set.get(path) ?? []) {
      await this.#inspector.inspect("Debugger.removeBreakpoint", { breakpointId }).catch(() => {});
    }
    this.#set.delete(path);
    const cell = this.#cells.get(path);
    if (cell === undefined) {
      return;
    }
    const ids: string[] = [];
    for (const line of this.#breakpoints.get(path) ?? []) {
      const at = cell.positions.generated(line);
      if (at !== undefined) {
        const { breakpointId } = await this.#ask("Debugger.setBreakpointByUrl", {
          url: cell.file,
          lineNumber: at.line - 1,
          columnNumber: at.column - 1,
        });
        ids.push(breakpointId);
      }
    }
    this.#set.set(path, ids);
  }

  #onPaused(params: Json): void {
    const frames: readonly CallFrame[] = Array.isArray(params.callFrames) ? params.callFrames : [];
    const inCells = frames.filter((frame) => this.#paths.has(this.#fileOf(frame)));
    if (inCells.length === 0 || inCells[0] !== frames[0]) {
      // Stepped out of the cells, into the kernel or a package: on to where a cell goes on, if it does.
      this.#inspector.inspect(inCells.length > 0 ? "Debugger.stepOut" : "Debugger.resume").catch(() => {});
      return;
    }
    this.#frames = inCells;
    this.#objects = [];
    const hit = Array.isArray(params.hitBreakpoints) && params.hitBreakpoints.length > 0;
    const reason = hit ? "breakpoint" : params.reason === "exception" ? "exception" : this.#stepping ? "step" : "pause";
    this.#event("stopped", { reason, threadId: 1, allThreadsStopped: true });
  }

  #event(event: string, body: Json): void {
    this.#emit({ type: "event", seq: ++this.#sequence, event, body });
  }

  #stackTrace(): Json {
    const stackFrames = this.#frames.map((frame, id) => {
      const file = this.#fileOf(frame);
      const path = this.#paths.get(file) ?? "";
      const { lineNumber, columnNumber = 0 } = frame.location;
      const at = this.#cells.get(path)?.positions.original(lineNumber + 1, columnNumber + 1);
      const name = frame.functionName === "" ? file : frame.functionName;
      return { id, name, source: { name: file, path }, line: at?.line ?? 1, column: at?.column ?? 1 };
    });
    return { stackFrames, totalFrames: stackFrames.length };
  }

  #scopes(frameId: number): Json {
    const names: Record<string, string> = {
      local: "Locals",
      block: "Block",
      closure: "Closure",
      catch: "Catch",
      global: "Globals",
    };
    const frame = this.#frame(frameId);
    const scopes = frame.scopeChain.flatMap(({ type, object: { objectId } }) => {
      if (type === "global" || type === "script" || objectId === undefined) {
        return [];
      }
      const presentationHint = type === "local" ? "locals" : type;
      const variablesReference = this.#reference(objectId);
      return [{ name: names[type] ?? type, presentationHint, variablesReference, expensive: false }];
    });
    return { scopes: [...scopes, { name: "Notebook", variablesReference: notebookReference, expensive: false }] };
  }

  #fileOf(frame: CallFrame): string {
    return this.#scripts.get(frame.location.scriptId) ?? "";
  }

  #frame(id: number): CallFrame {
    const frame = this.#frames[id];
    if (frame === undefined) {
      throw new Error(`There is no stack frame ${id}; there are ${this.#frames.length}`);
    }
    return frame;
  }

  #reference(objectId: string): number {
    return this.#objects.push(objectId);
  }

  async #variables(reference: number): Promise<Json[]> {
    if (reference === notebookReference) {
      return this.#notebookVariables();
    }
    const objectId = this.#objects[reference - 1];
    if (objectId === undefined) {
      throw new Error(`There is no variable ${reference}`);
    }
    const properties = await this.#ask("Runtime.getProperties", {
      objectId,
      ownProperties: true,
      generatePreview: false,
    });
    return properties.result.flatMap(({ name, value }) =>
      value === undefined || name === "$convbook" || name === "__proto__" ? [] : [this.#variable(name, value)],
    );
  }

  /** A function is shown by its type; anything else has none here, for which JupyterLab would show that alone. */
  #variable(name: string, value: RemoteObject): Json {
    return {
      name,
      value: describe(value),
      ...(value.type === "function" && { type: "function" }),
      evaluateName: name,
      variablesReference: this.#expands(value),
    };
  }

  /** The number by which a value's own properties are asked for; 0 where it has none. */
  #expands(value: RemoteObject): number {
    return value.objectId !== undefined && value.type === "object" ? this.#reference(value.objectId) : 0;
  }

  async #notebookVariables(): Promise<Json[]> {
    const { result } = await this.#ask("Runtime.evaluate", { expression: `${runner}.variables()` });
    const { objectId } = result;
    const properties = await this.#ask("Runtime.getProperties", { objectId, ownProperties: true });
    return properties.result.flatMap(({ name, value, enumerable }) =>
      value === undefined || !enumerable ? [] : [this.#variable(name, value)],
    );
  }

  /** A variable as a cell would show it. */
  async #richVariable(args: Arguments): Promise<Json> {
    const name = String(args.variableName);
    if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
      throw new Error(`A variable's name is needed, got ${JSON.stringify(name)}`);
    }
    const shown = await this.#value(`${runner}.rendered(${name})`, args.frameId, true);
    return { data: shown.value, metadata: {} };
  }

  async #evaluate(args: Arguments): Promise<Json> {
    const value = await this.#value(String(args.expression), args.frameId);
    return {
      result: describe(value),
      type: value.subtype ?? value.type,
      variablesReference: this.#expands(value),
    };
  }

  async #value(expression: string, frameId: number | undefined, returnByValue = false): Promise<RemoteObject> {
    const answer =
      this.#frames.length > 0
        ? await this.#ask("Debugger.evaluateOnCallFrame", {
            callFrameId: this.#frame(frameId ?? 0).callFrameId,
            expression,
            returnByValue,
          })
        : await this.#ask("Runtime.evaluate", { expression, returnByValue });
    const thrown = answer.exceptionDetails;
    if (thrown !== undefined) {
      throw new Error(thrown.exception?.description?.split("\n")[0] ?? thrown.text ?? "evaluation failed");
    }
    return answer.result;
  }
}

/** The reference of the notebook's own variables; objects count from 1. */
const notebookReference = 1_000_000_000;

function pathOf(code: string): string {
  return `${prefix}${murmur2(code, hashSeed)}${suffix}`;
}

function describe(value: RemoteObject): string {
  if (value.type === "string") {
    return JSON.stringify(value.value);
  }
  const text = value.unserializableValue ?? value.description ?? String(value.value);
  // Of a function it is the whole source.
  return value.type === "function" ? (text.split("\n", 1)[0] ?? "") : text;
}
