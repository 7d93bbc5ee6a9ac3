/** Measuring the statistics of batch normalisation anew: torch.optim.swa_utils.update_bn. */
import * as tf from "@tensorflow/tfjs-core";
import { BatchNorm } from "./batch-norm.ts";
import { OptionError } from "./errors.ts";
import type { AnyModule } from "./module.ts";

/**
 * Measures the running statistics of all batch norms anew, as plain means over the given batches. For weights that were not trained as they are (averaged,
 * pruned, from another data set), and for momenta so small that the statistics still remember their start.
 *
 * The weights do not change; momenta and modes (training, evaluation) are afterwards what they were.
 *
 * @param module what has the batch norms; it is called with each batch
 * @param batches inputs, or lists whose first element is the input, as a DataLoader gives them. Each batch is disposed of after its use, as the Trainer does
 *
 * @example
 * await updateBn(model, new DataLoader(trainSet, { batchSize: 128 }));
 */
export async function updateBn(
  module: AnyModule,
  batches: AsyncIterable<tf.Tensor | readonly tf.Tensor[]> | Iterable<tf.Tensor | readonly tf.Tensor[]>,
): Promise<void> {
  if (typeof module?.modules !== "function") {
    throw new OptionError("updateBn", "module", module, "a module");
  }
  const given = batches as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined;
  if (
    typeof batches !== "object" ||
    (given?.[Symbol.iterator] === undefined && given?.[Symbol.asyncIterator] === undefined)
  ) {
    throw new OptionError("updateBn", "batches", batches, "a DataLoader or a list of batches");
  }
  const norms = module.modules().filter((each): each is BatchNorm => each instanceof BatchNorm);
  if (norms.length === 0) {
    return;
  }
  const momenta = norms.map((norm) => norm.momentum);
  const modes = module.modules().map((each) => [each, each.training] as const);
  for (const norm of norms) {
    norm.resetRunningStats();
    norm.momentum = null;
  }
  module.train();
  try {
    for await (const batch of batches) {
      try {
        const input = batch instanceof tf.Tensor ? batch : (batch[0] as tf.Tensor);
        tf.tidy(() => {
          (module.forward as (x: tf.Tensor) => unknown).call(module, input);
        });
      } finally {
        tf.dispose(batch as tf.TensorContainer);
      }
    }
  } finally {
    for (const [i, norm] of norms.entries()) {
      norm.momentum = momenta[i] as number | null;
    }
    for (const [each, training] of modes) {
      each.training = training;
    }
  }
}
