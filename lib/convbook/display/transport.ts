/**
 * Where output goes. Three surroundings, tried in this order at every call, because a kernel may set its hook after this module was loaded:
 * a notebook kernel that offers `Symbol.for("jupyter.notebook.io")`, the tslab kernel, and a plain process.
 */
import type { MimeBundle, MimeMetadata } from "./mime.ts";
import { findTslab, tslabTransport } from "./tslab.ts";

/** The hook that a notebook kernel puts at `globalThis[Symbol.for("jupyter.notebook.io")]` in the process that runs the user's code. */
export interface NotebookIo {
  display(bundle: MimeBundle, options?: { metadata?: MimeMetadata; displayId?: string; update?: boolean }): void;
  clearOutput(wait?: boolean): void;
}

/** What the rest of the display code writes to. */
export interface Transport {
  /** "notebook" when outputs can be replaced in place, "terminal" when text is all there is. */
  readonly kind: "notebook" | "terminal";
  send(bundle: MimeBundle, metadata: MimeMetadata, displayId: string, update: boolean): void;
  clear(wait: boolean): void;
}

const ioSymbol = Symbol.for("jupyter.notebook.io");

let inTslab: Transport | undefined;

/** The transport of the surroundings at this moment. */
export function currentTransport(): Transport {
  const io = (globalThis as { [ioSymbol]?: NotebookIo })[ioSymbol];
  if (io && typeof io.display === "function") {
    return notebookTransport(io);
  }
  const tslab = findTslab();
  if (tslab) {
    inTslab ??= tslabTransport(tslab);
    return inTslab;
  }
  return terminalTransport;
}

function notebookTransport(io: NotebookIo): Transport {
  return {
    kind: "notebook",
    send: (bundle, metadata, displayId, update) => io.display(bundle, { metadata, displayId, update }),
    clear: (wait) => io.clearOutput(wait),
  };
}

const terminalTransport: Transport = {
  kind: "terminal",
  send(bundle) {
    process.stdout.write(`${plainText(bundle)}\n`);
  },
  clear() {
    // A log keeps its lines.
  },
};

function plainText(bundle: MimeBundle): string {
  for (const mime of ["text/plain", "text/markdown", "text/latex"]) {
    const text = bundle[mime];
    if (typeof text === "string") {
      return text;
    }
  }
  const json = bundle["application/json"];
  if (json !== undefined) {
    return JSON.stringify(json, null, 2);
  }
  return `[${Object.keys(bundle).join(", ")}]`;
}
