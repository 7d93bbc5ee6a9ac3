/** Comms: named conversations between the user's code and the front-end, both of which may open one. */
import { randomUUID } from "node:crypto";
import { isObject } from "../values.ts";
import { post } from "../wire/channel.ts";
import type { CommFrame } from "../wire/messages.ts";
import { cellContext } from "./cell-context.ts";
import { cellOfOutput } from "./notebook-io.ts";
import { asBytes, items, UserError, userValue } from "./realm.ts";

export interface CommMessage {
  readonly data: unknown;
  readonly metadata: Record<string, unknown>;
  readonly buffers: readonly Uint8Array[];
}

export interface SendOptions {
  readonly metadata?: Record<string, unknown>;
  readonly buffers?: readonly (ArrayBufferView | ArrayBuffer)[];
}

type Listener = (message: CommMessage) => void;

export class Comm {
  readonly id: string;
  readonly target: string;
  readonly #messages: Listener[] = [];
  readonly #closes: Listener[] = [];

  constructor(id: string, target: string) {
    this.id = id;
    this.target = target;
  }

  send(data: unknown, options: SendOptions = {}): void {
    emit("msg", this, data, options);
  }

  onMessage(listener: Listener): void {
    this.#messages.push(listener);
  }

  onClose(listener: Listener): void {
    this.#closes.push(listener);
  }

  close(data: unknown = {}): void {
    if (open.delete(this.id)) {
      emit("close", this, data, {});
    }
  }

  /** Hands a message from the front-end to the listeners. */
  receive(kind: "msg" | "close", message: CommMessage): void {
    for (const listener of kind === "msg" ? this.#messages : this.#closes) {
      listener(message);
    }
  }
}

const open = new Map<string, Comm>();
const targets = new Map<string, (comm: Comm, message: CommMessage) => void>();

function emit(kind: "open" | "msg" | "close", comm: Comm, data: unknown, { metadata, buffers }: SendOptions): void {
  post(
    {
      type: "comm",
      kind,
      cell: cellOfOutput(),
      id: comm.id,
      target: comm.target,
      data: data ?? {},
      metadata: metadata ?? {},
    },
    items(buffers ?? []).map((buffer) => {
      const bytes = asBytes(buffer);
      if (bytes === undefined) {
        throw new UserError(`comm: buffers are bytes (typed arrays or buffers), got ${typeof buffer}`);
      }
      return bytes;
    }),
  );
}

export const comms = {
  /** Has `onOpen` called for each comm that the front-end opens under this name. */
  registerTarget(name: string, onOpen: (comm: Comm, message: CommMessage) => void): void {
    targets.set(name, onOpen);
  },

  /** Opens a comm to the front-end's target of that name. */
  open(target: string, data: unknown = {}, options: SendOptions & { readonly id?: string } = {}): Comm {
    const comm = new Comm(options.id ?? randomUUID().replaceAll("-", ""), target);
    open.set(comm.id, comm);
    emit("open", comm, data, options);
    return comm;
  },
};

/** The message whose listeners run now. */
let handling: number | undefined;

/** Tells that a message is handled whose listeners were stopped. */
export function endStoppedComm(): void {
  if (handling !== undefined) {
    const cell = handling;
    handling = undefined;
    post({ type: "comm-handled", cell });
  }
}

/** Handles a comm message from the front-end; output of the listeners belongs to that message. */
export async function handleComm(
  { kind, id, target, cell, data, metadata }: CommFrame,
  buffers: readonly Uint8Array[],
  report: (error: unknown) => void,
): Promise<void> {
  const given = userValue(metadata ?? {});
  const message: CommMessage = {
    data: userValue(data),
    metadata: isObject(given) ? given : {},
    buffers,
  };
  try {
    await cellContext.run(cell, async () => {
      // One that was stopped just now.
      endStoppedComm();
      handling = cell;
      if (kind === "open") {
        const onOpen = targets.get(String(target));
        const comm = new Comm(id, String(target));
        if (onOpen === undefined) {
          // As the protocol asks: a target that nobody has closes the comm at once.
          emit("close", comm, {}, {});
        } else {
          open.set(id, comm);
          onOpen(comm, message);
        }
      } else {
        const comm = open.get(id);
        if (kind === "close") {
          open.delete(id);
        }
        comm?.receive(kind === "close" ? "close" : "msg", message);
      }
      handling = undefined;
      // What the listeners print in a continuation still belongs to the message.
      await new Promise((resolve) => setImmediate(resolve));
    });
  } catch (error) {
    handling = undefined;
    report(error);
  }
  post({ type: "comm-handled", cell });
}
