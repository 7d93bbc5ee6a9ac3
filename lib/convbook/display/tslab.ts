/**
 * Outputs in the tslab kernel. It takes one representation at a time, and prints a cell's result with `util.inspect`, which would write a
 * figure's fields. So what knows how to show itself does that when it is inspected.
 */
import { realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { type InspectOptions, inspect } from "node:util";
import { isMainThread } from "node:worker_threads";
import { isShowable, type MimeBundle } from "./mime.ts";
import type { Transport } from "./transport.ts";

/** The part of tslab's public interface that is used: one MIME type a call; binary types as base64. */
export interface Tslab {
  newDisplay(): { raw(contentType: string, content: string): void };
}

let tslabModule: Tslab | null | undefined;

/** tslab has no global of its own: the process was started by its command, and its module is found from there. */
export function findTslab(): Tslab | null {
  if (tslabModule !== undefined) {
    return tslabModule;
  }
  tslabModule = null;
  const script = process.argv[1];
  // In a worker thread it could only be loaded once more, and reach nobody.
  if (isMainThread && script && /[\\/]tslab([\\/]|$)/.test(script)) {
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

/** Outputs through `tslab`: of each bundle the richest representation. */
export function tslabTransport(tslab: Tslab): Transport {
  const displays = new Map<string, ReturnType<Tslab["newDisplay"]>>();
  return {
    kind: "notebook",
    send(bundle: MimeBundle, _metadata, displayId, update) {
      let target = displays.get(displayId);
      if (!target || !update) {
        target = tslab.newDisplay();
        displays.set(displayId, target);
      }
      const mime = preference.find((name) => typeof bundle[name] === "string") ?? Object.keys(bundle)[0];
      if (mime === undefined) {
        return;
      }
      const content = bundle[mime];
      target.raw(mime, typeof content === "string" ? content : JSON.stringify(content));
    },
    clear() {
      // tslab has no way to clear an output.
    },
  };
}

/**
 * Has values that know how they are shown show themselves where `console.log`, and with it tslab for a cell's result, would write them:
 * an empty line stands in the text. Within other values they are written as usual. tslab keeps the `console.log` of its start to itself,
 * so the one place where such a value can be noticed is what `util.inspect` asks each of them for.
 *
 * @param show shows a value as an output
 * @param prototype of what is inspected; `Object.prototype`, but for tests
 */
export function showWhenInspected(show: (value: unknown) => void, prototype: object = Object.prototype): void {
  function showThis(this: object, depth: number, options: InspectOptions): unknown {
    if (depth !== options.depth) {
      return this;
    }
    try {
      show(this);
      return "";
    } catch {
      return this;
    }
  }
  Object.defineProperty(prototype, inspect.custom, {
    configurable: true,
    get(this: unknown) {
      try {
        return isShowable(this) ? showThis : undefined;
      } catch {
        return undefined;
      }
    },
    // An object that gets a method of its own by assignment has it as if nothing were here.
    set(this: object, value: unknown) {
      Object.defineProperty(this, inspect.custom, { value, configurable: true, enumerable: true, writable: true });
    },
  });
}
