/** Options that say on how many processes a Trainer trains. */

/** Options of the strategy `ddp`. */
export interface DataParallelOptions {
  /** Seconds that a rank waits for the others before the run ends with an error; default 1800, as PyTorch's. */
  readonly timeout?: number;
  /** Megabytes of gradients that go over the network at a time; default 25, as PyTorch's. */
  readonly bucketSizeMb?: number;
  /** Compare the ranks' parameters every so many steps; default 100, 0 for never. */
  readonly checkEveryNSteps?: number;
}

/** Options of the Trainer that say on how many processes it trains. */
export interface StrategyOptions {
  /**
   * `single`: this process alone; `ddp`: all that the launcher started, with averaged gradients; `auto` (default): `ddp` where a launcher started
   * several. `{ name: "ddp", ... }` for its options.
   */
  strategy?: "auto" | "single" | "ddp" | ({ readonly name: "ddp" } & DataParallelOptions);
  /** Processes on each machine; default `auto`, those that were started. */
  devices?: number | "auto" | `${number}`;
  /** Machines; default: those that processes were started on. */
  numNodes?: number;
  /** What computes: `auto` (default), `cpu`, or `gpu` on a backend that has one. */
  accelerator?: "auto" | "cpu" | "gpu";
  /** Give each process its part of the loaders' samples; default true. */
  useDistributedSampler?: boolean;
  /** Normalise batches over all processes: each BatchNorm becomes a SyncBatchNorm when fit begins; default false. */
  syncBatchnorm?: boolean;
}
