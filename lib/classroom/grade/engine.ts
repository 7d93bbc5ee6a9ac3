/** With what the cells of a kernel computed. */
import { stripVTControlCharacters } from "node:util";
import type { KernelManager } from "nbconvert-ts-runner";
import type { Result } from "../results/index.ts";
import { fieldsOf } from "../values.ts";
import { answered } from "./guard/guard.ts";

/** A backend of TensorFlow.js, and which build of Convbook's engine it is. */
export type Engine = NonNullable<NonNullable<Result["used"]>["engine"]>;

/** TensorFlow.js has its engine in one place of the process. Nothing is loaded that was not there: a notebook without it has none. */
const question = `// @ts-nocheck
globalThis.$classroomEngine = await (async () => {
  const backend = globalThis._tfengine?.backendName;
  if (typeof backend !== "string") return "";
  const build = backend === "native" ? await import("@convbook/engine").then(({ engine }) => engine.info().build, () => "") : "";
  return \`\${backend} \${build}\`;
})();`;

/**
 * Asks a kernel whose cells have run.
 *
 * @returns `null` where they computed without TensorFlow.js, or the kernel does not tell.
 */
export async function engineOf(kernel: KernelManager): Promise<Engine | null> {
  try {
    const { content } = await answered(
      kernel.client.execute(question, {
        silent: true,
        storeHistory: false,
        idleTimeout: 1000,
        userExpressions: { engine: "globalThis.$classroomEngine" },
      }),
    );
    const shown = fieldsOf(fieldsOf(fieldsOf(content.user_expressions).engine).data)["text/plain"];
    const [, backend, build] = /^'([\w.-]{1,40}) (native|wasm|)'$/.exec(stripVTControlCharacters(String(shown))) ?? [];
    return backend === undefined ? null : { backend, build: build === "native" || build === "wasm" ? build : null };
  } catch {
    // It ended meanwhile: what it showed until then counts.
    return null;
  }
}
