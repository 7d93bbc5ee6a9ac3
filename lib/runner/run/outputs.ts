/** Turns a kernel's messages into a cell's outputs, as Jupyter's front ends do. */
import type { Message } from "../kernels/message.ts";
import type {
  CodeCell,
  DisplayDataOutput,
  ErrorOutput,
  ExecuteResultOutput,
  MimeBundle,
  Output,
} from "../notebook/types.ts";
import { asObject } from "../objects.ts";

/** What changed with one message. */
export type OutputEvent =
  | { readonly kind: "stream"; readonly name: "stdout" | "stderr"; readonly text: string }
  | { readonly kind: "output"; readonly output: DisplayDataOutput | ExecuteResultOutput | ErrorOutput }
  | { readonly kind: "update"; readonly displayId: string; readonly data: MimeBundle }
  | { readonly kind: "clear" };

type Displayed = DisplayDataOutput | ExecuteResultOutput;

/** The displays of a whole notebook by display id: an update reaches all of them. */
export type DisplayRegistry = Map<string, { readonly cell: CodeCell; readonly output: Displayed }[]>;

/** Collects the outputs of one cell. */
export class CellOutputs {
  readonly #cell: CodeCell;
  readonly #displays: DisplayRegistry;
  readonly #limit: number;
  readonly #changed: (cell: CodeCell) => void;
  #clearBeforeNext = false;
  #bytes = 0;
  /** True once a cell has put out more than its limit; what comes after is dropped. */
  overflowed = false;
  /** The last error message that the cell sent. */
  error: ErrorOutput | undefined;

  /**
   * @param limit Most characters of output that a cell may have.
   * @param changed Called with a cell whose outputs were changed; not always the one that runs.
   */
  constructor(cell: CodeCell, displays: DisplayRegistry, limit: number, changed: (cell: CodeCell) => void) {
    this.#cell = cell;
    this.#displays = displays;
    this.#limit = limit;
    this.#changed = changed;
  }

  /** Takes in a message of iopub; what it did to the outputs, or undefined for none. */
  add(message: Message): OutputEvent | undefined {
    const { content } = message;
    switch (message.header.msg_type) {
      case "execute_input":
        if (typeof content.execution_count === "number") {
          this.#cell.execution_count = content.execution_count;
          this.#changed(this.#cell);
        }
        return undefined;
      case "stream":
        return this.#stream(content.name === "stderr" ? "stderr" : "stdout", String(content.text ?? ""));
      case "display_data":
      case "execute_result":
        return this.#display(message);
      case "update_display_data":
        return this.#update(content);
      case "error":
        return this.#append({
          ename: String(content.ename ?? ""),
          evalue: String(content.evalue ?? ""),
          output_type: "error",
          traceback: Array.isArray(content.traceback) ? content.traceback.map(String) : [],
        });
      case "clear_output":
        if (content.wait === true) {
          this.#clearBeforeNext = true;
          return undefined;
        }
        this.#clear();
        return { kind: "clear" };
      default:
        return undefined;
    }
  }

  #stream(name: "stdout" | "stderr", whole: string): OutputEvent | undefined {
    const room = this.#limit - this.#bytes;
    if (room <= 0) {
      this.overflowed = true;
      return undefined;
    }
    const text = whole.length > room ? whole.slice(0, room) : whole;
    this.#fits(whole.length);
    this.#clearIfAsked();
    const last = this.#cell.outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name && typeof last.text === "string") {
      last.text += text;
    } else {
      this.#cell.outputs.push({ name, output_type: "stream", text });
    }
    this.#changed(this.#cell);
    return { kind: "stream", name, text };
  }

  #display(message: Message): OutputEvent | undefined {
    const { content } = message;
    const data = asObject(content.data);
    if (!this.#fits(sizeOf(data))) {
      return undefined;
    }
    const metadata = asObject(content.metadata);
    // Keys in nbformat's order.
    const output: Displayed =
      message.header.msg_type === "execute_result"
        ? { data, execution_count: asCount(content.execution_count), metadata, output_type: "execute_result" }
        : { data, metadata, output_type: "display_data" };
    const id = asObject(content.transient).display_id;
    if (typeof id === "string") {
      const known = this.#displays.get(id) ?? [];
      this.#displays.set(id, known);
      // Showing an id again brings the earlier places up to date, too.
      this.#replace(known, data, metadata);
      known.push({ cell: this.#cell, output });
    }
    return this.#append(output);
  }

  #update(content: Record<string, unknown>): OutputEvent | undefined {
    const id = asObject(content.transient).display_id;
    const data = asObject(content.data);
    if (typeof id !== "string") {
      return undefined;
    }
    this.#replace(this.#displays.get(id) ?? [], data, asObject(content.metadata));
    return { kind: "update", displayId: id, data };
  }

  #replace(places: readonly { cell: CodeCell; output: Displayed }[], data: MimeBundle, metadata: MimeBundle): void {
    for (const place of places) {
      place.output.data = data;
      place.output.metadata = metadata;
      this.#changed(place.cell);
    }
  }

  #append(output: Displayed | ErrorOutput): OutputEvent {
    this.#clearIfAsked();
    if (output.output_type === "error") {
      this.error = output;
    }
    this.#cell.outputs.push(output);
    this.#changed(this.#cell);
    return { kind: "output", output };
  }

  /** Adds an output of the runner's own, such as why the cell was stopped. */
  note(output: Output): void {
    this.#cell.outputs.push(output);
    this.#changed(this.#cell);
  }

  #clearIfAsked(): void {
    if (this.#clearBeforeNext) {
      this.#clear();
    }
  }

  #clear(): void {
    this.#clearBeforeNext = false;
    this.#bytes = 0;
    this.#cell.outputs.splice(0);
    this.#changed(this.#cell);
  }

  #fits(length: number): boolean {
    this.#bytes += length;
    this.overflowed ||= this.#bytes > this.#limit;
    return !this.overflowed;
  }
}

function sizeOf(data: MimeBundle): number {
  return Object.values(data).reduce<number>(
    (sum, value) => sum + (typeof value === "string" ? value.length : JSON.stringify(value ?? null).length),
    0,
  );
}

function asCount(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
