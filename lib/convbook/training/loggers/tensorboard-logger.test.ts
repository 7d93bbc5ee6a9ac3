import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { askPython } from "../../../../test/debian-python.ts";
import { readEvents, scalars } from "../../tensorboard/index.ts";
import { TensorBoardLogger, Trainer } from "../index.ts";
import { quiet } from "../testing/quiet.ts";
import { makeSmall } from "../testing/small.ts";

const rootDir = mkdtempSync(join(tmpdir(), "convbook-tensorboard-"));
beforeAll(() => tf.setBackend("cpu"));
afterAll(() => rmSync(rootDir, { recursive: true }));

/** Trains and gives the event file's path. */
async function train(logGraph: boolean, withExample = true): Promise<string> {
  const logger = new TensorBoardLogger({ rootDir, logGraph });
  const { module, train, val } = makeSmall();
  if (withExample) {
    module.exampleInput = tf.zeros([1, 6]);
  }
  await new Trainer({ ...quiet, maxEpochs: 1, logger }).fit(module, train as never, val as never);
  module.dispose();
  const name = readdirSync(logger.logDir).find((each) => each.startsWith("events.out.tfevents")) as string;
  return join(logger.logDir, name);
}

/** The graphs in a file, as Google's protobuf library reads them; undefined where it is missing. */
function readGraphs(path: string): { name: string; op: string; input?: string[] }[][] | undefined {
  const script = fileURLToPath(new URL("../../tensorboard/fixtures/event_files.py", import.meta.url));
  const python = askPython(
    ["the file as Google's protobuf library reads it", "python3-protobuf"],
    [script, "dump", path],
  );
  if (python === undefined) {
    return undefined;
  }
  expect(python.stderr).toBe("");
  const events = JSON.parse(python.stdout.replaceAll("NaN", '"NaN"')) as { graph_def?: { node: never[] } }[];
  return events.flatMap(({ graph_def }) => (graph_def === undefined ? [] : [graph_def.node]));
}

const graphsOf = (path: string) => [...readEvents(path)].filter(({ graphBytes }) => graphBytes !== undefined);

it("the Trainer has the graph of the module written once, where it is asked for", async () => {
  expect(graphsOf(await train(false))).toEqual([]);
  const path = await train(true);
  expect(graphsOf(path)).toHaveLength(1);
  const graphs = readGraphs(path);
  if (graphs === undefined) {
    return;
  }
  const layer = (name: string) => `SmallModule/Sequential[model]/${name}`;
  expect(graphs.map((nodes) => nodes.map(({ name, op, input = [] }) => [name, op, ...input]))).toEqual([
    [
      ["input", "IO Node"],
      [layer("Linear[0]"), "Linear", "input"],
      [layer("BatchNorm1d[1]"), "BatchNorm1d", layer("Linear[0]")],
      [layer("ReLU[2]"), "ReLU", layer("BatchNorm1d[1]")],
      [layer("Dropout[3]"), "Dropout", layer("ReLU[2]")],
      [layer("Linear[4]"), "Linear", layer("Dropout[3]")],
      ["output", "IO Node", layer("Linear[4]")],
    ],
  ]);
});

it("no curve goes back to an earlier step, which would hide what came before it", async () => {
  const logger = new TensorBoardLogger({ rootDir });
  const { module, train: batches, val } = makeSmall();
  module.saveHyperParameters({ width: 8 });
  const trainer = new Trainer({ ...quiet, maxEpochs: 3, logEveryNSteps: 1, logger });
  await trainer.fit(module, batches as never, val as never);
  const curves = scalars(logger.logDir);
  const steps = Object.fromEntries([...curves].map(([tag, points]) => [tag, points.map(({ step }) => step)]));
  const all = Array.from({ length: 15 }, (_, i) => i);
  expect(steps).toEqual({
    epoch: [...all, 4, 4, 9, 9, 14, 14].sort((a, b) => a - b),
    train_loss_step: all,
    val_loss: [4, 9, 14],
    train_loss_epoch: [4, 9, 14],
  });
  const [path] = readdirSync(logger.logDir).filter((each) => each.startsWith("events.out.tfevents"));
  const hparams = [...readEvents(join(logger.logDir, path as string))].flatMap(({ values }) =>
    values.filter(({ kind }) => kind === "hparams"),
  );
  expect(hparams).toMatchObject([
    { hparams: { part: "experiment", hparams: ["width"] } },
    { hparams: { part: "start" } },
    { hparams: { part: "end", status: 1 } },
  ]);
});

it("a module without an example input has its layers written, and is told what is missing", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const path = await train(true, false);
  // TensorFlow.js says something of its own when its CPU backend is used for the first time.
  expect(warn.mock.calls.filter(([text]) => !/running TensorFlow\.js in Node/.test(text as string))).toEqual([
    [expect.stringMatching(/^The graph of SmallModule has no edges.*module\.exampleInput = tf\.zeros/)],
  ]);
  warn.mockRestore();
  const [nodes] = readGraphs(path) ?? [];
  expect(nodes?.map(({ op, input = [] }) => [op, ...input]) ?? []).toHaveLength(nodes === undefined ? 0 : 6);
});
