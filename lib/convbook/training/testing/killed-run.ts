/** A short run that saves after every step, for {@link file://../kill.test.ts} to kill: `node killed-run.js FOLDER [MILLISECONDS A STEP [BACKEND]]`. */
import { type BackendName, selectBackend } from "../../backend/index.ts";
import { Callback, ModelCheckpoint, Trainer } from "../index.ts";
import { makeSmall, weightsOf } from "./small.ts";

/** Gives the killer time. */
class Slow extends Callback {
  readonly #wait: number;
  constructor(wait: number) {
    super();
    this.#wait = wait;
  }
  override async onTrainBatchEnd(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, this.#wait));
  }
}

const [dirPath = "", wait = "0", backend = "cpu"] = process.argv.slice(2);
await selectBackend({ backend: backend as BackendName, announce: false });
const { module, train, val } = makeSmall();
const trainer = new Trainer({
  maxEpochs: 6,
  callbacks: [
    new Slow(Number(wait)),
    new ModelCheckpoint({ dirPath, everyNTrainSteps: 1, saveTopK: 0, saveLast: true }),
  ],
  logger: false,
  enableProgressBar: false,
  enableModelSummary: false,
});
process.stdout.write("running\n");
const { globalStep } = await trainer.fit(module, train as never, val as never, { ckptPath: "last" });
process.stdout.write(`${JSON.stringify({ globalStep, weights: weightsOf(module) })}\n`);
