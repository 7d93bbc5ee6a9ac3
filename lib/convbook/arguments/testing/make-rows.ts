/** Rows for names of one's own, configurations and what is fetched. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import * as convbook from "../../index.ts";
import { call, invoke } from "./nn-rows.ts";
import { arg, flag, maybe, options, type Row, text, whole } from "./probe.ts";

const { nn, experiment } = convbook;
const network = new nn.Sequential(new nn.Flatten(), new nn.Linear(12, 2));
const batches = [[tf.ones([1, 2, 2, 3]), tf.tensor1d([0], "int32")]];
const loader = () => ({
  async *[Symbol.asyncIterator]() {
    yield batches[0]?.map((each) => each.clone());
  },
});
const config = experiment.parseConfig("model: { name: ResNet }");
const given = () => arg("config", config, { bad: [5, []] });

// A configuration whose pictures, checkpoints and plugin are there.
const folder = mkdtempSync(join(tmpdir(), "convbook-arguments-"));
const png = convbook.encodePng({ width: 8, height: 8, channels: 3, data: new Uint8Array(192) });
for (const part of ["train", "val"]) {
  mkdirSync(join(folder, "pictures", part, "cat"), { recursive: true });
  writeFileSync(join(folder, "pictures", part, "cat", "a.png"), png);
}
const file = join(folder, "a.yaml");
writeFileSync(file, "model: { name: ResNet }\n");
// The package under its name is the built one: what is tried here are the sources.
Object.assign(globalThis, { registersForRows: () => invoke("registerBlock", "Plugged", () => network) });
writeFileSync(join(folder, "plugin.mjs"), "globalThis.registersForRows();\n");
const checkpoint = join(folder, "checkpoints", "epoch=0.safetensors");
const pictures = JSON.stringify(join(folder, "pictures"));
const own = experiment.parseConfig(
  `{ output: ${JSON.stringify(folder)}, model: { name: ResNet, hparams: { numBlocks: [1], cHidden: [2], numClasses: 1 } }, data: { name: imageFolder, folder: ${pictures} } }`,
);
mkdirSync(join(folder, "checkpoints"));
const module = experiment.makeModule(own, { classes: ["cat"], size: [8, 8, 3], mean: [0, 0, 0], std: [1, 1, 1] });
await saveModule();
const ofFolder = () => arg("config", own, { bad: [5, []] });
const withCheckpoint = ofFolder;

async function saveModule(): Promise<void> {
  await convbook.saveCheckpoint(checkpoint, {
    epoch: 0,
    globalStep: 1,
    stateDict: module.stateDict(),
    hyperParameters: { ...module.hparams },
    extra: { configuration: JSON.parse(JSON.stringify(own)) },
  });
}
let registered = 0;

export const makeRows: readonly Row[] = [
  {
    name: "todo",
    args: [text("hint", "x + F(x)")],
    // That it throws is what it is for.
    call: (hint) => {
      try {
        invoke("todo", hint);
      } catch (error) {
        if (!(error instanceof convbook.NotDoneYet)) {
          throw error;
        }
      }
    },
  },
  call(
    "createModelFrom",
    arg("name", "ResNet", { bad: [3], also: /model/ }),
    arg(
      "hparams",
      { numClasses: 2 },
      { accepts: ["{}", "null", "undefined"], bad: [{ numClasses: 0 }, 3], also: /hyper-parameters|numClasses/ },
    ),
  ),
  {
    name: "registerModel",
    args: [
      arg("name", "Own", { accepts: ['"x"'], bad: ["", 5, []] }),
      arg("factory", () => network, { bad: [5] }),
      arg("parse", {}, { accepts: ["{}"], bad: [5] }),
      maybe(options("options", maybe(arg("inputShape", [2, 2, 3], { bad: [5, [], [1, 2, 2, 3], ["2", 2, 3]] })))),
    ],
    call: (name, ...rest) =>
      invoke("registerModel", name === "Own" || name === "x" ? `${name}${registered++}` : name, ...rest),
  },
  {
    name: "registerBlock",
    args: [
      arg("name", "Own", { accepts: ['"x"'], bad: ["", 5, []] }),
      arg("factory", () => network, { bad: [5] }),
      maybe(options("options", flag("preActivation", false))),
    ],
    call: (name, ...rest) =>
      invoke("registerBlock", name === "Own" || name === "x" ? `${name}${registered++}` : name, ...rest),
  },
  {
    name: "evaluate",
    args: [
      arg("model", network, { bad: [5, []] }),
      arg("loader", loader(), { bad: [5, [5]] }),
      maybe(
        options(
          "options",
          maybe(arg("limit", 1, { bad: ["1", 1.5] })),
          maybe(arg("onProgress", () => {}, { bad: [5] })),
        ),
      ),
    ],
    call: (...given) => invoke("evaluate", ...given),
  },
  call("loadManifest", arg("name", "cifar10", { bad: [5, ""], also: /there is none of this name/ })),
  call(
    "experiment.parseConfig",
    arg("text", "model: { name: ResNet }", { bad: [5, []], also: /must hold settings/ }),
    maybe(text("file", "a")),
    maybe(arg("changes", ["trainer.maxEpochs=1"], { bad: [5, [5]] })),
  ),
  call("experiment.checkpointFolder", given()),
  call(
    "experiment.configOfCheckpoint",
    arg("path", checkpoint, { bad: ["", 5, []], also: /^x: / }),
    maybe(arg("changes", ["seed=1"], { bad: [5, [5], ["seed"]], also: /--set/ })),
  ),
  call("experiment.copiedConfig", given()),
  call("experiment.checkExperiment", given(), arg("file", "a", { accepts: ['"x"'], bad: [5, []] })),
  {
    name: "experiment.loadConfig",
    args: [
      arg("path", file, { bad: ["", 5, []], also: /^x: cannot be read/ }),
      maybe(arg("changes", ["seed=1"], { bad: [5, [5], ["seed"]], also: /--set/ })),
      maybe(options("options", maybe(arg("onMessage", () => {}, { bad: [5] })))),
    ],
    call: (...all) => invoke("experiment.loadConfig", ...all),
  },
  {
    name: "experiment.loadPlugin",
    args: [
      arg("name", "./plugin.mjs", { bad: ["", 5, []], also: /package/ }),
      arg("folder", folder, { bad: ["", 5, []], also: /there is no file/ }),
    ],
    call: (...all) => invoke("experiment.loadPlugin", ...all),
  },
  call("experiment.isFast", given()),
  call("experiment.loadData", ofFolder(), maybe(text("file", "a"))),
  call("experiment.makeModule", given(), options("description", arg("size", [32, 32, 3], { bad: [5] }))),
  call("experiment.loadModule", withCheckpoint(), arg("checkpoint", checkpoint, { bad: ["", 5, []], also: /^x: / })),
  call("experiment.runFolder", given()),
  call(
    "experiment.makeTrainer",
    given(),
    maybe(options("options", maybe(arg("maxEpochs", 1, { bad: ["1", 1.5], accepts: ["-1", "null"] })))),
  ),
  call("experiment.bestCheckpoint", withCheckpoint()),
  call(
    "experiment.predictImages",
    arg("checkpoint", checkpoint, { bad: ["", 5, []], also: /^x: / }),
    arg("files", [], { bad: [5, [5]] }),
    whole("top", 1),
  ),
];
