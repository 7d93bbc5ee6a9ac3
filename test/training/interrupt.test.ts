/** Training in a notebook's cell: the first interrupt ends it saved, the second stops it, and either way the session, and the same Trainer, can train again. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, type Result, resultOf, root } from "../conformance/harness.ts";

const folder = mkdtempSync(join(tmpdir(), "convbook-training-interrupt-"));

const setUp = `// @convbook-types: off
import * as tf from "@tensorflow/tfjs-core";
import { callbacks, ClassificationModule, selectBackend, Trainer } from "convbook";
await selectBackend({ announce: false });
const hparams = { modelName: "ResNet", modelHparams: { numBlocks: [1], cHidden: [8] }, schedulerName: null };
const module = new ClassificationModule(hparams);
const batches = {
  length: 20,
  async *[Symbol.asyncIterator]() {
    for (let i = 0; i < 20; i++) {
      await new Promise((go) => setTimeout(go, 20));
      yield [tf.randomNormal([8, 32, 32, 3]), tf.tensor1d([0, 1, 2, 3, 4, 5, 6, 7], "int32")];
    }
  },
};
const fit = (options, run = {}) => new Trainer({ logger: false, enableModelSummary: false, ...options }).fit(module, batches, undefined, run);
class Tells extends callbacks.Callback { onTrainBatchEnd(trainer) { if (trainer.globalStep === 1) console.log("trains"); } }
const saving = () => new callbacks.ModelCheckpoint({ dirPath: ${JSON.stringify(folder)}, saveTopK: 0, saveLast: true });
"ready"`;

const cell = (code: string) => `// @convbook-types: off\n${code}`;
const text = (result: Result) =>
  result.events
    .filter(({ type, mine }) => mine && ["stream", "display_data", "update_display_data"].includes(type))
    .map(({ content }) => content.text ?? content.data["text/plain"])
    .join("\n");

describe.runIf(pythonHas("jupyter_client"))("interrupting a training in a cell", () => {
  let kernel: KernelUnderTest;
  beforeAll(async () => {
    kernel = await KernelUnderTest.start({ folder: join(root, "notebooks") });
    expect(resultOf(await kernel.execute(setUp))).toBe("'ready'");
  });
  afterAll(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  it("ends it at the batch's end, saved and said; the next cell goes on with it", async () => {
    const code = cell(`const first = await fit({ maxEpochs: 500, callbacks: [saving(), new Tells()] });
[first.status, first.globalStep > 0, first.lastModelPath?.split("/").at(-1)]`);
    const stopped = await kernel.execute(code, { interrupt_after: 0.5, interrupt_when: "trains" });
    expect(stopped.reply.content, JSON.stringify(stopped.reply.content)).toMatchObject({ status: "ok" });
    expect(resultOf(stopped)).toBe("[ 'interrupted', true, 'last.safetensors' ]");
    expect(text(stopped)).toContain("broken off");
    expect(readdirSync(folder)).toEqual(["last.safetensors"]);
    const more = await kernel.execute(
      cell(`const second = await fit({ maxSteps: first.globalStep + 5, callbacks: saving() }, { ckptPath: "last" });
[second.status, second.reason === \`maxSteps = \${first.globalStep + 5} reached\`, second.globalStep - first.globalStep]`),
    );
    expect(resultOf(more)).toBe("[ 'completed', true, 5 ]");
  });

  it("the second time stops it at once, wherever it is, and both the same Trainer and a new one train the module on", async () => {
    // Steps without a pause between them: the interrupt comes in the middle of one.
    await kernel.execute(
      cell(`const dense = { length: 3, *[Symbol.iterator]() { for (let i = 0; i < 3; i++) yield [tf.randomNormal([64, 32, 32, 3]), tf.zeros([64], "int32")]; } };
class Stubborn extends ClassificationModule {
  ended = [];
  slow(step, batch, index) {
    const start = performance.now();
    let result = super[step](batch, index);
    if (this.stubborn === step) {
      console.log("slowly");
      while (performance.now() - start < 100_000) result = super[step](batch, index);
      this.ended.push(step);
    }
    return result;
  }
  trainingStep(batch, index) { return this.slow("trainingStep", batch, index); }
  validationStep(batch, index) { return this.slow("validationStep", batch, index); }
}
const stubborn = new Stubborn(hparams);
const ended = [];
class Ends extends callbacks.Callback {
  onException() { ended.push("exception"); }
  teardown() { ended.push("teardown"); }
}
const make = () => new Trainer({ logger: false, enableModelSummary: false, enableCheckpointing: false, maxEpochs: 1, numSanityValSteps: 0, callbacks: [new Ends()] });
const same = make();`),
    );
    const report = cell(`const third = await TRAINER.fit(stubborn, dense);
const scopes = tf.engine().state.scopeStack.length;
JSON.stringify([third.status, third.globalStep, third.metrics.train_loss > 0, stubborn.training, scopes, ...ended.splice(0)])`);
    for (const [step, next] of [
      ["trainingStep", "same"],
      ["validationStep", "same"],
      ["trainingStep", "make()"],
    ] as const) {
      const code = cell(`stubborn.stubborn = "${step}";
const before = process.listenerCount("SIGINT");
await same.fit(stubborn, dense, dense);`);
      const stopped = await kernel.execute(code, {
        interrupt_after: 0.2,
        interrupt_when: "slowly",
        interrupt_again: 0.5,
      });
      expect(stopped.reply.content, JSON.stringify(stopped.reply.content)).toMatchObject({
        status: "error",
        ename: "KeyboardInterrupt",
      });
      // It did not come to its own end.
      expect(resultOf(await kernel.execute(cell("stubborn.stubborn = undefined; stubborn.ended")))).toBe("[]");
      const more = await kernel.execute(report.replace("TRAINER", next));
      expect(resultOf(more), JSON.stringify(more.reply.content)?.slice(0, 2000)).toBe(
        `'["completed",3,true,true,0,"exception","teardown","teardown"]'`,
      );
      const listeners = await kernel.execute(cell(`process.listenerCount("SIGINT") - before`));
      expect(resultOf(listeners)).toBe("0");
    }
  });
});
