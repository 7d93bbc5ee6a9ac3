/** Loaders in a process of their own, from the built package: their threads start there too and never keep it alive. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const built = new URL("../../dist/data/index.js", import.meta.url);

/** Runs a script with the built library's names and gives what it prints. It fails when the process does not end by itself. */
async function run(script: string): Promise<string> {
  const code = `
    import "@tensorflow/tfjs-backend-cpu";
    import { ArrayDataset, DataLoader, transforms } from ${JSON.stringify(built.href)};
    const dataset = new ArrayDataset(new Uint8Array(64 * 300), [10, 10, 3], new Int32Array(64), {
      transform: new transforms.Compose([new transforms.RandomResizedCrop(32), new transforms.ToTensor()]),
    });
    const loader = new DataLoader(dataset, { batchSize: 8, shuffle: true, numWorkers: 2 });
    ${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", code], {
    timeout: 300_000,
    killSignal: "SIGKILL",
    cwd: new URL(".", import.meta.url),
  });
  return stdout.replace(/=+\nHi, looks like you are running TensorFlow.js[^=]*=+\n/, "").trim();
}

describe("a process with a loader ends by itself", () => {
  test("is built", () => expect(existsSync(built)).toBe(true));

  test.each([
    ["after an epoch", "let n = 0; for await (const [x, y] of loader) n += x.shape[0]; console.log(n);", "64"],
    ["after breaking off", "for await (const batch of loader) break; console.log('broken off');", "broken off"],
    [
      "with an epoch that nobody goes on with",
      "await loader[Symbol.asyncIterator]().next(); console.log('left');",
      "left",
    ],
    ["with an epoch that nobody began", "loader[Symbol.asyncIterator](); console.log('begun');", "begun"],
    [
      "when taking a batch throws",
      "try { for await (const batch of loader) throw new Error('mine'); } catch (error) { console.log(error.message); }",
      "mine",
    ],
  ])("%s", async (_, script, expected) => {
    expect(await run(script)).toBe(expected);
  });
});
