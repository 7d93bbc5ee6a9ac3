/**
 * Shows the images of a batch between whose two likeliest classes the model can hardly decide, and what in them would tip it. After the
 * callback of this name in Lightning Bolts.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { type DisplayHandle, display } from "../../display/index.ts";
import { type ConfusedLogits, confusedLogits } from "../../interpret/index.ts";
import { Callback } from "../core/callback.ts";
import type { TrainerContext } from "../core/trainer-context.ts";
import type { AnyTrainingModule } from "../core/training-module.ts";
import { refuseUnknownOptions, requireOption } from "../errors.ts";

export interface ConfusedLogitOptions {
  /** How many images to show; default 4. */
  topK?: number;
  /** Every so many validations; default 1. */
  everyNValidations?: number;
  /** Called with each result, in place of showing it. */
  onResult?: (result: ConfusedLogits, trainer: TrainerContext) => void;
}

export class ConfusedLogit extends Callback {
  readonly #options: ConfusedLogitOptions;
  #handle: DisplayHandle | undefined;
  #validations = 0;

  constructor(options: ConfusedLogitOptions = {}) {
    super();
    refuseUnknownOptions("ConfusedLogit", options, ["topK", "everyNValidations", "onResult"]);
    const { topK = 4, everyNValidations = 1 } = options;
    requireOption(Number.isInteger(topK) && topK >= 1, "ConfusedLogit.topK", topK, "a whole number of at least 1");
    const fits = Number.isInteger(everyNValidations) && everyNValidations >= 1;
    requireOption(fits, "ConfusedLogit.everyNValidations", everyNValidations, "a whole number of at least 1");
    const { onResult } = options;
    requireOption(
      onResult === undefined || typeof onResult === "function",
      "ConfusedLogit.onResult",
      onResult,
      "a function",
    );
    this.#options = options;
  }

  override async onValidationBatchEnd(
    trainer: TrainerContext,
    module: AnyTrainingModule,
    _outputs: unknown,
    batch: unknown,
    batchIndex: number,
    dataloaderIndex: number,
  ): Promise<void> {
    if (trainer.isSanityChecking || batchIndex !== 0 || dataloaderIndex !== 0) {
      return;
    }
    if (this.#validations++ % (this.#options.everyNValidations ?? 1) !== 0) {
      return;
    }
    const [images] = batch as readonly [tf.Tensor];
    const result = await confusedLogits(module as never, images, { count: this.#options.topK ?? 4 });
    if (this.#options.onResult !== undefined) {
      this.#options.onResult(result, trainer);
    } else if (this.#handle === undefined) {
      this.#handle = display(result);
    } else {
      this.#handle.update(result);
    }
  }
}
