/** What the pipeline for patterns leaves behind after each epoch: a line, the accuracies so far, the model with its optimizer. */
import { join } from "node:path";
import { saveTorch } from "../../checkpoints/index.ts";
import { saveTrainingAnalytics } from "../../diffraction/analytics.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { stateToTorch } from "../optimizers/torch-state.ts";
import { PatternModule } from "../pattern-module.ts";

/** Names of its files. */
export const [accuraciesFile, modelFile] = ["train-t1_test-t3-test.pt", "model.pt"];

/**
 * Writes the two files of the pipeline into a folder, both for `torch.load`: the accuracies as a tensor [3, epochs] (training, top 1 and top 3
 * on the validation patterns), and `{ model, optimizer, epoch }` with PyTorch's state dicts. On several processes rank 0 writes; the accuracies are those of all
 * patterns, each counted once, as if it had evaluated alone.
 */
export class PatternLog extends Callback {
  readonly #folder: string;
  readonly #epochs: number | undefined;
  #rows: (readonly [train: number, top1: number, top3: number])[] = [];

  /** @param epochs how many there are to be, for the line */
  constructor(folder: string, epochs: number | undefined) {
    super();
    this.#folder = folder;
    this.#epochs = epochs;
  }

  override stateDict(): Readonly<Record<string, unknown>> {
    return { rows: this.#rows.map((row) => [...row]) };
  }

  override loadStateDict({ rows }: Readonly<Record<string, unknown>>): void {
    this.#rows = Array.isArray(rows)
      ? rows.map(([train, top1, top3]: number[]) => [Number(train), Number(top1), Number(top3)])
      : [];
  }

  override async onTrainEpochEnd(trainer: TrainerContext, module: AnyTrainingModule): Promise<void> {
    const {
      train_acc: train = Number.NaN,
      val_acc: top1 = Number.NaN,
      val_top3_acc: top3 = Number.NaN,
    } = trainer.callbackMetrics;
    const { currentEpoch } = trainer;
    this.#rows = [...this.#rows.slice(0, currentEpoch), [train, top1, top3]];
    if (!trainer.isGlobalZero) {
      return;
    }
    const percent = (part: number) => `${Math.round(100 * part)}%`;
    const place = `${currentEpoch + 1}${this.#epochs === undefined ? "" : `/${this.#epochs}`}`;
    console.log(
      `[Epoch ${place}] [Train Acc: ${percent(train)}] [T1 Val Acc: ${percent(top1)}] [Top 3 Val Acc: ${percent(top3)}]`,
    );
    const column = (i: 0 | 1 | 2) => this.#rows.map((row) => row[i]);
    await saveTrainingAnalytics(join(this.#folder, accuraciesFile), {
      train: column(0),
      top1: column(1),
      top3: column(2),
    });
    const [optimizer] = trainer.optimizers;
    if (module instanceof PatternModule && optimizer !== undefined) {
      await saveTorch(join(this.#folder, modelFile), {
        model: module.model.stateDict(),
        optimizer: stateToTorch(optimizer.stateDict()),
        epoch: currentEpoch + 1,
      });
    }
  }
}
