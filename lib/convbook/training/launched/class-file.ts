/** In which file a class stands: V8 knows, and tells its debugger. */
import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The file whose text a class is from.
 *
 * @returns undefined for a class of a cell, and wherever there is no such file
 */
export async function fileOfClass(target: object): Promise<string | undefined> {
  const url = await urlOf(target);
  if (url === undefined) {
    return undefined;
  }
  const path = url.startsWith("file:") ? fileURLToPath(new URL(url.replace(/[?#].*$/, ""))) : url;
  return isAbsolute(path) && existsSync(path) ? path : undefined;
}

/** Under which name the debugger finds the class. */
const place = Symbol.for("convbook.class");

async function urlOf(target: object): Promise<string | undefined> {
  const inspector = await import("node:inspector").catch(() => undefined);
  if (inspector === undefined) {
    return undefined;
  }
  const session = new inspector.Session();
  session.connect();
  try {
    Reflect.set(globalThis, place, target);
    const urls = new Map<string, string>();
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url));
    // Within one thread each answer is there when the call returns.
    session.post("Debugger.enable");
    let objectId: string | undefined;
    session.post(
      "Runtime.evaluate",
      { expression: `globalThis[Symbol.for(${JSON.stringify(place.description)})]` },
      (_, answer) => {
        objectId = answer?.result?.objectId;
      },
    );
    let script: string | undefined;
    if (objectId !== undefined) {
      session.post("Runtime.getProperties", { objectId, ownProperties: true }, (_, answer) => {
        const location = answer?.internalProperties?.find(({ name }) => name === "[[FunctionLocation]]");
        const value: { readonly scriptId?: string } | undefined = location?.value?.value;
        script = value?.scriptId;
      });
    }
    session.post("Debugger.disable");
    return script === undefined ? undefined : urls.get(script);
  } finally {
    Reflect.deleteProperty(globalThis, place);
    session.disconnect();
  }
}
