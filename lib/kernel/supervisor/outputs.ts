/** Outputs of cells on their way to iopub: streams are gathered, everything keeps its order. */
import type { Json, Message } from "../protocol/message.ts";

interface Extra {
  readonly metadata?: Json;
  readonly buffers?: readonly Buffer[];
}

export type Publish = (type: string, content: Json, parent: Message | undefined, extra?: Extra) => void;

/** How long text of a stream may wait for more, ms; what comes after as long a silence does not wait. */
const gather = 25;
/** How much text may wait, UTF-16 units; what is longer does not wait at all, so that it is forgotten at once. */
const largest = 1 << 17;

interface Pending {
  readonly name: "stdout" | "stderr";
  readonly parent: Message | undefined;
  readonly parts: string[];
  length: number;
}

export class Outputs {
  readonly #publish: Publish;
  #pending: Pending | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When text was sent last. */
  #sent = Number.NEGATIVE_INFINITY;

  constructor(publish: Publish) {
    this.#publish = publish;
  }

  stream(name: "stdout" | "stderr", text: string, parent: Message | undefined): void {
    if (
      this.#pending !== undefined &&
      (this.#pending.name !== name || this.#pending.parent?.header !== parent?.header)
    ) {
      this.flush();
    }
    this.#pending ??= { name, parent, parts: [], length: 0 };
    this.#pending.parts.push(text);
    this.#pending.length += text.length;
    const silence = this.#timer === undefined && performance.now() - this.#sent > gather;
    if (silence || this.#pending.length >= largest) {
      this.flush();
    } else {
      this.#timer ??= setTimeout(() => this.flush(), gather);
    }
  }

  /** Any other output, after the text before it. */
  message(type: string, content: Json, parent: Message | undefined, extra?: Extra): void {
    this.flush();
    this.#publish(type, content, parent, extra);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) {
      this.#sent = performance.now();
      this.#publish("stream", { name: pending.name, text: pending.parts.join("") }, pending.parent);
    }
  }
}
