/**
 * A process that trains the tutorial's networks on random images, as the tutorial trains them, and prints what the engine runs on and a
 * hash of each network's weights and running statistics; settings come from the environment.
 *
 *     node train.mjs STEPS BATCH
 */
import { createHash } from "node:crypto";
import { engine, randomNormal } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { createModel, manualSeed, nn, optim, valueAndGrads } from "convbook";

const sgd = (parameters) => new optim.SGD(parameters, { lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
const adam = (parameters) => new optim.AdamW(parameters, { lr: 1e-3, weightDecay: 1e-4 });
const networks = {
  GoogleNet: [() => createModel("GoogleNet"), adam],
  ResNet: [() => createModel("ResNet"), sgd],
  ResNetPreAct: [() => createModel("ResNet", { blockName: "PreActResNetBlock" }), sgd],
  DenseNet: [() => createModel("DenseNet", { numLayers: [6, 6, 6, 6], bnSize: 2, growthRate: 16 }), adam],
};

const [steps, batch] = process.argv.slice(2).map(Number);
await tf.setBackend("native");
const hashes = {};
for (const [name, [create, optimizerOf]] of Object.entries(networks)) {
  manualSeed(1);
  const model = create();
  const optimizer = optimizerOf(model.parameters());
  const loss = new nn.CrossEntropyLoss();
  const variables = model.parameters().map(({ variable }) => variable);
  for (let step = 0; step < steps; step++) {
    const images = randomNormal([batch, 32, 32, 3], 0, 1, step);
    const labels = tf.tensor1d(
      Array.from({ length: batch }, (_, i) => (7 * i + step) % 10),
      "int32",
    );
    const { value, gradients } = valueAndGrads(() => loss.forward(model.forward(images), labels), variables);
    optimizer.step(gradients);
    tf.dispose([images, labels, value, ...gradients.values()]);
  }
  const hash = createHash("sha256");
  for (const [entry, { data }] of model.stateDict()) {
    hash.update(entry).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  hashes[name] = hash.digest("hex");
  model.dispose();
}
const { isa, threads, reproducible } = engine.info();
console.log(JSON.stringify({ isa, threads, reproducible, hashes }));
