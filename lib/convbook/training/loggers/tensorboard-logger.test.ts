import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readEvents } from "../../tensorboard/index.ts";
import { TensorBoardLogger, Trainer } from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall } from "../testing/small.ts";

const rootDir = mkdtempSync(join(tmpdir(), "convbook-tensorboard-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(rootDir, { recursive: true }));

/** Trains and gives the event file's path. */
async function train(logGraph: boolean): Promise<string> {
  const logger = new TensorBoardLogger({ rootDir, logGraph });
  const { module, train, val } = makeSmall();
  await new Trainer({ ...quiet, maxEpochs: 1, logger }).fit(module, train as never, val as never);
  const name = readdirSync(logger.logDir).find((each) => each.startsWith("events.out.tfevents")) as string;
  return join(logger.logDir, name);
}

const graphsOf = (path: string) => [...readEvents(path)].filter(({ graphBytes }) => graphBytes !== undefined);

it("the Trainer has the graph of the module written once, where it is asked for", async () => {
  expect(graphsOf(await train(false))).toEqual([]);
  const path = await train(true);
  expect(graphsOf(path)).toHaveLength(1);
  // The oracle reads the file with Google's protobuf library.
  const script = fileURLToPath(new URL("../../tensorboard/fixtures/event_files.py", import.meta.url));
  const python = spawnSync("/usr/bin/python3", [script, "dump", path], { encoding: "utf8" });
  if (python.status !== 0 && /No module named 'google/.test(python.stderr) && !process.env.CI) {
    console.log("Left out: the file as Google's protobuf library reads it (apt install python3-protobuf).");
    return;
  }
  expect(python.stderr).toBe("");
  const events = JSON.parse(python.stdout.replaceAll("NaN", '"NaN"')) as {
    graph_def?: { node: { name: string; op: string }[] };
  }[];
  const [graph, ...more] = events.flatMap(({ graph_def }) => graph_def ?? []);
  expect(more).toEqual([]);
  expect(graph?.node.map(({ name, op }) => [name, op])).toEqual([
    ["SmallModule/(module)", "SmallModule"],
    ["SmallModule/model/(module)", "Sequential"],
    ["SmallModule/model/0", "Linear"],
    ["SmallModule/model/1", "BatchNorm1d"],
    ["SmallModule/model/2", "ReLU"],
    ["SmallModule/model/3", "Dropout"],
    ["SmallModule/model/4", "Linear"],
  ]);
});
