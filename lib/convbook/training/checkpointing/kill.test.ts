import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { engineBackend } from "../../backend/testing/engine-backend.ts";
import { loadCheckpoint } from "../../checkpoints/index.ts";

// The engine where it is there, and TensorFlow.js's own backend in turns. CONVBOOK_KILLS=100 npx vitest run lib/convbook/training/kill.test.ts kills a hundred times.
const kills = Number(process.env.CONVBOOK_KILLS ?? 8);
const script = fileURLToPath(new URL("../../dist/training/testing/killed-run.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-kill-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Finished {
  readonly globalStep: number;
  readonly weights: number[];
}

/** Runs until the end, or for so many milliseconds after its start. */
function run(backend: string, dirPath: string, wait: number, killAfter?: number): Promise<Finished | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, dirPath, String(wait), backend], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    let isTimed = false;
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (killAfter === undefined || isTimed) {
        return;
      }
      isTimed = true;
      setTimeout(() => child.kill("SIGKILL"), killAfter);
    });
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") {
        resolve(undefined);
      } else if (code !== 0) {
        reject(new Error(errors));
      } else {
        resolve(JSON.parse(output.trim().split("\n").at(-1) as string) as Finished);
      }
    });
  });
}

describe("a run that is killed", () => {
  beforeAll(() => {
    if (!existsSync(script)) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
  });

  const backends = ["cpu", ...(engineBackend === undefined ? [] : [engineBackend])];
  const share = Math.ceil(kills / backends.length);
  it.each(backends)(
    `${share} times at random moments still ends with the weights of one that was not (%s)`,
    async (backend) => {
      const whole = await run(backend, join(folder, `whole-${backend}`), 0);
      const dirPath = join(folder, `killed-${backend}`);
      let finished: Finished | undefined;
      for (let i = 0; i < share; i++) {
        finished = await run(backend, dirPath, 15, Math.random() * 250);
        for (const name of existsSync(dirPath) ? readdirSync(dirPath) : []) {
          if (name.startsWith("last")) {
            await loadCheckpoint(join(dirPath, name));
          }
        }
        // A run that came to its end begins again.
        if (finished !== undefined) {
          expect(finished).toEqual(whole);
          rmSync(dirPath, { recursive: true });
        }
      }
      finished ??= await run(backend, dirPath, 0);
      expect(finished).toEqual(whole);
      // Nothing that a kill cut short is left.
      expect(existsSync(dirPath) ? readdirSync(dirPath).filter((name) => name.endsWith(".tmp")) : []).toEqual([]);
    },
    600_000,
  );
});
