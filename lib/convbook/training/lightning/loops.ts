/**
 * How far a fit has come, as PyTorch Lightning 2 writes it: the counters of its nested loops under the key `loops`. Without them Lightning would go
 * on with a checkpoint's weights at epoch 0. (lightning/pytorch/loops/progress.py)
 */
import type { FitProgress } from "../core/checkpoint.ts";

interface Counts {
  readonly ready: number;
  readonly started?: number;
  readonly processed?: number;
  readonly completed: number;
}

const steps = (count: number): Counts => ({ ready: count, completed: count });
const zeroGrads = (count: number): Counts => ({ ready: count, started: count, completed: count });
const batches = (count: number, completed = count): Counts => ({
  ...{ ready: count, started: count, processed: count, completed },
});
const both = (counts: Counts) => ({ total: counts, current: counts });

/** Lightning's counters for a fit that stands where `progress` says. */
export function toLoops(progress: FitProgress, schedulerSteps: number): Record<string, unknown> {
  const { epoch, batch, totalBatch, globalStep, phase, isLast } = progress;
  const isOver = isLast || phase === "epochEnd";
  const hasBegun = batch > 0 || isOver;
  const begun = hasBegun ? epoch + 1 : epoch;
  const epochs: Counts = { ready: begun, started: begun, processed: isOver ? epoch + 1 : epoch, completed: epoch };
  // Within an epoch Lightning saves in a hook of the batch, before it counts the batch as completed; where an epoch ends it saves afterwards.
  const open = hasBegun && !isOver ? 1 : 0;
  const own = Math.min(batch, globalStep);
  const idle = { ...both(batches(0)), is_last_batch: false };
  return {
    fit_loop: {
      state_dict: {},
      "epoch_loop.state_dict": { _batches_that_stepped: globalStep },
      "epoch_loop.batch_progress": {
        total: batches(totalBatch, totalBatch - open),
        current: batches(batch, batch - open),
        is_last_batch: isOver,
      },
      "epoch_loop.scheduler_progress": both(steps(schedulerSteps)),
      "epoch_loop.automatic_optimization.state_dict": {},
      "epoch_loop.automatic_optimization.optim_progress": {
        optimizer: {
          step: { total: steps(globalStep), current: steps(own) },
          zero_grad: { total: zeroGrads(globalStep), current: zeroGrads(own) },
        },
      },
      "epoch_loop.manual_optimization.state_dict": {},
      "epoch_loop.manual_optimization.optim_step_progress": { total: steps(globalStep), current: steps(own) },
      "epoch_loop.val_loop.state_dict": {},
      "epoch_loop.val_loop.batch_progress": idle,
      epoch_progress: both(epochs),
    },
    validate_loop: { state_dict: {}, batch_progress: idle },
    test_loop: { state_dict: {}, batch_progress: idle },
    predict_loop: { state_dict: {}, batch_progress: both(batches(0)) },
  };
}

/**
 * Where a fit goes on from a checkpoint of Lightning: at the next batch of the epoch, or at the next epoch where the last batch is done. Files
 * before Lightning 2 say nothing about batches; they were saved at the end of epochs.
 */
export function fromLoops(loops: unknown, epoch: number, globalStep: number): FitProgress {
  const fit = (loops as { readonly fit_loop?: Readonly<Record<string, unknown>> } | undefined)?.fit_loop;
  const progress = fit?.["epoch_loop.batch_progress"] as
    | { readonly total: Counts; readonly current: Counts; readonly is_last_batch: boolean }
    | undefined;
  const start = { globalStep, phase: "batch", isLast: false } as const;
  if (progress === undefined) {
    return { ...start, epoch: epoch + 1, batch: 0, totalBatch: globalStep };
  }
  // A batch counts as completed after the hook in which checkpoints are saved.
  const done = ({ processed, completed }: Counts) => processed ?? completed;
  const totalBatch = done(progress.total);
  if (progress.is_last_batch) {
    return { ...start, epoch: epoch + 1, batch: 0, totalBatch };
  }
  return { ...start, epoch, batch: done(progress.current), totalBatch };
}
