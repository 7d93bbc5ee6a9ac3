/** The engine for tests that run on it, whichever of its builds is here. */
import { engine } from "@convbook/engine";
import type { BackendName } from "../candidates.ts";

/** The name that `selectBackend` takes; undefined where neither the native engine nor WebAssembly runs. */
export const engineBackend: BackendName | undefined = !engine.available
  ? undefined
  : engine.info().build === "native"
    ? "native"
    : "engine-wasm";
