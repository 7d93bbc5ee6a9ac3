/**
 * Where output goes. Three surroundings, tried in this order at every call, because a kernel may set its hook after this module was loaded:
 * a notebook kernel that offers `Symbol.for("jupyter.notebook.io")`, the tslab kernel, and a plain process.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import type { MimeBundle, MimeMetadata } from "./mime.ts";

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

/** The transport of the surroundings at this moment. */
export function currentTransport(): Transport {
  const io = (globalThis as { [ioSymbol]?: NotebookIo })[ioSymbol];
  if (io && typeof io.display === "function") return notebookTransport(io);
  const tslab = findTslab();
  if (tslab) return tslabTransport(tslab);
  return terminalTransport;
}

function notebookTransport(io: NotebookIo): Transport {
  return {
    kind: "notebook",
    send: (bundle, metadata, displayId, update) => io.display(bundle, { metadata, displayId, update }),
    clear: (wait) => io.clearOutput(wait),
  };
}

/** The part of tslab's public interface that is used: one MIME type a call; binary types as base64. */
interface TslabDisplay {
  raw(contentType: string, content: string): void;
}
interface Tslab {
  newDisplay(): TslabDisplay;
}

let tslabModule: Tslab | null | undefined;
const tslabDisplays = new Map<string, TslabDisplay>();

/** tslab has no global of its own: the process was started by its command, and its module is found from there. */
function findTslab(): Tslab | null {
  if (tslabModule !== undefined) return tslabModule;
  tslabModule = null;
  const script = process.argv[1];
  if (script && /[\\/]tslab([\\/]|$)/.test(script)) {
    try {
      // The command is a link into the package, also where it was installed globally.
      tslabModule = createRequire(realpathSync(script))("tslab") as Tslab;
    } catch {
      // A program that only lies in a folder of that name: text output serves.
    }
  }
  return tslabModule;
}

/** Types by richness, for a frontend that is sent one type only. */
const preference = [
  "text/html",
  "image/svg+xml",
  "image/png",
  "image/jpeg",
  "text/markdown",
  "text/latex",
  "text/plain",
];

function tslabTransport(tslab: Tslab): Transport {
  return {
    kind: "notebook",
    send(bundle, _metadata, displayId, update) {
      let target = tslabDisplays.get(displayId);
      if (!target || !update) {
        target = tslab.newDisplay();
        tslabDisplays.set(displayId, target);
      }
      const mime = preference.find((name) => typeof bundle[name] === "string") ?? Object.keys(bundle)[0];
      if (mime === undefined) return;
      const content = bundle[mime];
      target.raw(mime, typeof content === "string" ? content : JSON.stringify(content));
    },
    clear() {
      // tslab has no way to clear an output.
    },
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
    if (typeof text === "string") return text;
  }
  const json = bundle["application/json"];
  if (json !== undefined) return JSON.stringify(json, null, 2);
  return `[${Object.keys(bundle).join(", ")}]`;
}
