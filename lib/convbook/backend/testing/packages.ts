/** Packages of backends that stand in for those whose libraries cannot be installed on every machine, and a process that chooses among them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** The entry of a package, CommonJS, that registers a backend which computes as the CPU backend does; `conv` may change how it convolves. */
export function registeringBackend(name: string, conv = "", before = ""): string {
  return `
    ${before}
    const util = require("util");
    const tf = require(${JSON.stringify(join(root, "node_modules/@tensorflow/tfjs-core"))});
    const { MathBackendCPU } = require(${JSON.stringify(join(root, "node_modules/@tensorflow/tfjs-backend-cpu"))});
    class Backend extends MathBackendCPU {}
    for (const kernel of tf.getKernelsForBackend("cpu")) {
      const kernelFunc = !/^Conv2D/.test(kernel.kernelName) ? kernel.kernelFunc : (call) => { ${conv}; return kernel.kernelFunc(call); };
      tf.registerKernel({ ...kernel, backendName: ${JSON.stringify(name)}, kernelFunc });
    }
    tf.registerBackend(${JSON.stringify(name)}, () => new Backend(), 3);`;
}

export interface Choice {
  readonly name: string;
  readonly description: string;
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  /** What the program printed after it chose. */
  readonly after: unknown;
  readonly error?: string;
}

/**
 * Chooses a backend in a process of its own, by what `npm run build` made, in a folder that has these packages.
 *
 * @param packages the entry of each package
 * @param options the environment, what runs before everything else, and an expression (of `tf`) whose value is told
 */
export function chooseAmong(
  packages: Readonly<Record<string, string>>,
  options: { readonly env?: NodeJS.ProcessEnv; readonly before?: string; readonly after?: string } = {},
): Choice {
  const folder = mkdtempSync(join(tmpdir(), "convbook-backends-"));
  try {
    for (const [name, code] of Object.entries(packages)) {
      const path = join(folder, "node_modules", name, "index.js");
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, code);
    }
    const select = pathToFileURL(join(root, "lib/convbook/dist/backend/select.js")).href;
    const program = join(folder, "choose.mjs");
    writeFileSync(
      program,
      `${options.before ?? ""}
       const { selectBackend } = await import(${JSON.stringify(select)});
       let result = {};
       try { result = { ...(await selectBackend({ announce: false })) }; } catch (error) { result.error = error.message; }
       const tf = (await import("node:module")).createRequire(${JSON.stringify(join(root, "package.json"))})("@tensorflow/tfjs-core");
       result.after = ${options.after ?? "null"};
       process.stdout.write(JSON.stringify(result));`,
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, [program], {
      cwd: folder,
      env: { ...process.env, CONVBOOK_BACKEND: "", ...options.env },
      encoding: "utf8",
      timeout: 300_000,
    });
    if (status !== 0) {
      throw new Error(stderr);
    }
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
