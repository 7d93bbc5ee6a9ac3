/** Execute requests, one after another: prepared, run, their outputs sent before their reply, their reply before idle. */
import { helpQuery } from "../compile/magics.ts";
import type { Debugger } from "../debug/debugger.ts";
import { inspectAt } from "../help/inspect.ts";
import { RequestError, textField, textsField } from "../protocol/fields.ts";
import type { Json, Message } from "../protocol/message.ts";
import { messageOf, stackOf } from "../values.ts";
import { interruptedError, type Outcome } from "../wire/messages.ts";
import type { History } from "./history.ts";
import type { Outputs } from "./outputs.ts";
import { CellRefusedError, type PreparedCell, type Preparer } from "./prepare.ts";
import type { UserProcess } from "./user-process.ts";

export interface CellQueueParts {
  readonly preparer: Preparer;
  readonly user: UserProcess;
  readonly outputs: Outputs;
  readonly history: History;
  readonly debug: Debugger;
  /** How long a cell of an interactive front-end waits for the type checker before it runs, ms. */
  readonly typesWait: number;
  readonly publish: (type: string, content: Json, parent: Message | undefined) => void;
  readonly reply: (content: Json, request: Message, metadata?: Json) => void;
}

interface Running {
  readonly request: Message;
  interrupted: boolean;
  /** Ends what the cell waits for before and after it runs. */
  stopWaiting: () => void;
}

/** As much as is needed of what asked for an interrupt: a request, or a signal, which no client sent. */
export interface Interrupt {
  readonly header: { readonly session?: string; readonly date: string };
}

export class CellQueue {
  readonly #parts: CellQueueParts;
  readonly #waiting: Message[] = [];
  #running: Running | undefined;
  /** An interrupt that came while nothing ran. */
  #early: Interrupt | undefined;
  /** Settles when the latest cell is compiled and checked, or refused. */
  #prepared: Promise<void> = Promise.resolve();
  #executionCount = 0;
  /** Numbers cells for the child: also those that have no execution count of their own. */
  #cells = 0;

  constructor(parts: CellQueueParts) {
    this.#parts = parts;
  }

  /** The request whose cell runs now. */
  get running(): Message | undefined {
    return this.#running?.request;
  }

  add(request: Message): void {
    this.#waiting.push(request);
    if (this.#running === undefined) {
      this.#work();
    }
  }

  /**
   * Stops the running cell, also one that is still being checked, or a listener to a comm. Requests for cells and for interrupts come on sockets of
   * their own, so one for a cell may be read after that for its interrupt, above all while the kernel starts: where nothing runs, the interrupt is
   * for the next cell if that was sent before it.
   *
   * @param request Left out for a signal while the kernel is idle, which is for nothing.
   */
  interrupt(request?: Interrupt): void {
    if (this.#running === undefined) {
      this.#early = request;
    } else {
      this.#running.interrupted = true;
      this.#running.stopWaiting();
    }
    this.#parts.user.interrupt();
  }

  async #work(): Promise<void> {
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      const interrupted = this.#early !== undefined && isSentBefore(request, this.#early);
      this.#early = undefined;
      this.#running = { request, interrupted, stopWaiting: () => {} };
      try {
        await this.#execute(request, this.#running);
      } catch (error) {
        const ename = error instanceof Error ? error.name : "Error";
        const content = {
          ename,
          evalue: messageOf(error),
          traceback: [error instanceof RequestError ? error.message : stackOf(error)],
        };
        this.#parts.outputs.message("error", content, request);
        this.#parts.reply({ status: "error", execution_count: this.#executionCount, ...content }, request);
        this.#parts.publish("status", { execution_state: "idle" }, request);
      }
      this.#running = undefined;
    }
  }

  async #execute(request: Message, running: Running): Promise<void> {
    const { publish, outputs, reply, history } = this.#parts;
    const { content } = request;
    publish("status", { execution_state: "busy" }, request);
    const code = textField(content, "code");
    textsField(content, "user_expressions");
    const silent = content.silent === true;
    const counted = !silent && content.store_history !== false;
    if (counted) {
      this.#executionCount++;
    }
    const count = this.#executionCount;
    if (!silent) {
      publish("execute_input", { code, execution_count: count }, request);
    }
    const id = ++this.#cells;
    const file = counted ? `In [${count}]` : `In [ ]${id}`;
    const outcome = await this.#run(id, running, silent, code, file);
    // Lets what native code wrote past Node be read first.
    await new Promise((resolve) => setImmediate(resolve));
    let answer: Json;
    let shown: string | undefined;
    if (outcome.status === "ok") {
      if (outcome.result !== undefined && !silent) {
        outputs.message(
          "execute_result",
          { execution_count: count, data: outcome.result, metadata: outcome.metadata ?? {} },
          request,
        );
      }
      const plain = outcome.result?.["text/plain"];
      shown = typeof plain === "string" ? plain : undefined;
      answer = {
        status: "ok",
        execution_count: count,
        user_expressions: outcome.expressions,
        payload: outcome.payload ?? [],
      };
    } else {
      if (!silent) {
        outputs.message("error", { ...outcome.error }, request);
      }
      answer = { status: "error", execution_count: count, ...outcome.error, user_expressions: {}, payload: [] };
    }
    if (counted) {
      history.add(count, code, shown, content.allow_stdin === true);
    }
    outputs.flush();
    const died = outcome.status === "error" && outcome.died === true;
    reply(answer, request, died ? { kernel_died: true } : undefined);
    publish("status", { execution_state: "idle" }, request);
    if (outcome.status === "error" && content.stop_on_error !== false) {
      this.#abortWaiting();
    }
  }

  /** After an error the cells that already wait are not run. */
  #abortWaiting(): void {
    for (const request of this.#waiting.splice(0)) {
      this.#parts.publish("status", { execution_state: "busy" }, request);
      this.#parts.reply({ status: "aborted", execution_count: this.#executionCount }, request, { status: "aborted" });
      this.#parts.publish("status", { execution_state: "idle" }, request);
    }
  }

  /**
   * Compiles and checks a cell, or gives nothing once it is interrupted: the checker may take long, and goes on. The next cell
   * waits for it, for it is checked against what this one left.
   */
  #prepare(running: Running, code: string, file: string, wait: number | undefined): Promise<PreparedCell | undefined> {
    const preparing = this.#prepared.then(() => this.#parts.preparer.prepare(code, file, wait));
    this.#prepared = preparing.then(
      () => {},
      () => {},
    );
    return unlessStopped(running, preparing);
  }

  async #run(id: number, running: Running, silent: boolean, code: string, file: string): Promise<Outcome> {
    const { preparer, user, outputs, debug, typesWait } = this.#parts;
    const { request } = running;
    if (code.trim() === "") {
      return { status: "ok", expressions: {} };
    }
    if (running.interrupted) {
      return { status: "error", error: interruptedError };
    }
    const asked = helpQuery(code);
    if (asked !== undefined) {
      const asking = preparer
        .describe(asked)
        .then((described) => inspectAt(asked, asked.length, 1, described, preparer.types));
      const help = await unlessStopped(running, asking);
      if (help === undefined) {
        return { status: "error", error: interruptedError };
      }
      if (help.found === true) {
        return { status: "ok", expressions: {}, payload: [{ source: "page", data: help.data, start: 0 }] };
      }
      const evalue = `There is no help on ${asked}: it is not known in this notebook`;
      return { status: "error", error: { ename: "HelpError", evalue, traceback: [evalue] } };
    }
    let prepared: PreparedCell | undefined;
    try {
      // One that can be asked for input has somebody before it; what runs notebooks unattended must be able to rely on types.
      const interactive = request.content.allow_stdin === true;
      prepared = await this.#prepare(running, code, file, interactive ? typesWait : undefined);
    } catch (error) {
      if (error instanceof CellRefusedError) {
        return { status: "error", error: error.content };
      }
      throw error;
    }
    if (prepared === undefined || running.interrupted) {
      return { status: "error", error: interruptedError };
    }
    const lost = user.takeLoss();
    if (lost !== undefined && request.content.allow_stdin !== true) {
      // Nobody has read that what the cells before made is gone.
      return { status: "error", error: lost, died: true };
    }
    if (prepared.warning !== "") {
      outputs.stream("stderr", prepared.warning, request);
    }
    const { compiled, magics } = prepared;
    await unlessStopped(running, debug.beforeCell(file, code, compiled));
    if (running.interrupted) {
      return { status: "error", error: interruptedError };
    }
    const outcome = user.run(
      {
        type: "execute",
        cell: id,
        file,
        cellId: typeof request.metadata.cellId === "string" ? request.metadata.cellId : undefined,
        code: compiled.code,
        js: compiled.js,
        segments: compiled.segments,
        map: compiled.map,
        declares: compiled.declares,
        late: compiled.late,
        shadows: compiled.shadows,
        ownShadows: compiled.ownShadows,
        source: code,
        shifted: [...magics.shifted],
        timed: magics.timed,
        allowStdin: request.content.allow_stdin === true,
        expressions: textsField(request.content, "user_expressions"),
      },
      request,
      silent,
    );
    prepared.declare();
    if (prepared.lateWarning !== undefined) {
      await outcome;
      const warning = await unlessStopped(running, prepared.lateWarning);
      if (warning) {
        outputs.stream("stderr", warning, request);
      }
    }
    return outcome;
  }
}

/** What is waited for, or nothing once the cell is interrupted. */
function unlessStopped<T>(running: Running, waited: Promise<T>): Promise<T | undefined> {
  const stopped = new Promise<undefined>((resolve) => {
    running.stopWaiting = () => resolve(undefined);
  });
  return Promise.race([waited, stopped]);
}

/**
 * Whether a message was sent before another: by the clock of the client that sent both, or by the clock of this machine for an interrupt that is
 * a signal.
 */
function isSentBefore({ header }: Message, { header: other }: Interrupt): boolean {
  if (other.session !== undefined && other.session !== header.session) {
    return false;
  }
  // Clients differ in how many digits of a second they write.
  const apart = Date.parse(header.date) - Date.parse(other.date);
  return apart < 0 || (apart === 0 && header.date < other.date);
}
