/** What the Trainer's options for several processes may be, under a launcher and without; and how the processors of a machine are shared. */
import "@tensorflow/tfjs";
import { type Launcher, mpi } from "@convbook/mpi";
import { describe, expect, it } from "vitest";
import { Trainer } from "../index.ts";
import { parseCpus, shareOfThreads } from "./machine.ts";
import { makeStrategy } from "./options.ts";

const launcher: Launcher = { name: "mpirun", family: "Open MPI", rank: 1, size: 4, localRank: 1, localSize: 2 };

describe("a process that was started alone", () => {
  it.each([{}, { strategy: "single" }, { devices: 1 }, { devices: "auto" }, { devices: -1 }, { numNodes: 1 }] as const)(
    "trains alone with %j",
    (options) => {
      expect(makeStrategy(options, undefined)).toMatchObject({ name: "single", rank: 0, size: 1, isRoot: true });
    },
  );

  it.runIf(mpi.available)("is told how to start several", () => {
    expect(() => makeStrategy({ devices: 2 }, undefined)).toThrow(
      "Trainer.devices must be 1 in a process that was started alone, got 2. Start the program on 2 processes: mpirun -n 2 node PROGRAM, or npx convbook train CONFIG --devices 2.",
    );
    expect(() => makeStrategy({ devices: 2, numNodes: 3 }, undefined)).toThrow("mpirun -n 6 node PROGRAM");
  });

  it.runIf(!mpi.available)("is told what to install", () => {
    expect(() => makeStrategy({ strategy: "ddp" }, undefined)).toThrow(
      'Trainer.strategy must be "single" on a machine without MPI, got "ddp". Install an MPI library (Debian: apt install libopenmpi-dev openmpi-bin gcc), then `npm rebuild @convbook/mpi`.',
    );
  });
});

describe.runIf(mpi.available)("a process among several", () => {
  it.each([{}, { strategy: "ddp" }, { devices: 2 }, { numNodes: 2 }, { devices: 2, numNodes: 2 }] as const)(
    "trains with them with %j",
    (options) => {
      expect(makeStrategy(options, launcher).name).toBe("ddp");
    },
  );

  it("trains alone where it is told to", () => {
    expect(makeStrategy({ strategy: "single" }, launcher)).toMatchObject({ name: "single", size: 1 });
  });

  it.each([
    [{ devices: 4 }, "Trainer.devices must be 2, the processes that mpirun started on this machine, got 4."],
    [{ numNodes: 3 }, "Trainer.numNodes must be a divisor of 4, the processes that mpirun started, got 3."],
    [{ devices: 2, numNodes: 4 }, "Trainer.devices × Trainer.numNodes must be 4, the processes that mpirun started."],
  ])("is refused %j, which was not started", (options, message) => {
    expect(() => makeStrategy(options, launcher)).toThrow(message);
  });
});

it.each([
  [{ strategy: "fsdp" }, 'Trainer.strategy must be "auto", "single", "ddp" or { name: "ddp", ... }, got "fsdp".'],
  [{ strategy: { name: "ddp", timeout: 0 } }, "Trainer.strategy.timeout must be a number of seconds above 0, got 0."],
  [{ strategy: { name: "ddp", time: 1 } }, 'Trainer.strategy has no option "time". Did you mean "timeout"?'],
  [{ devices: 0 }, 'Trainer.devices must be a whole number of at least 1, or "auto", got 0.'],
  [{ devices: 2, strategy: "single" }, 'Trainer.devices must be 1 with the strategy "single", got 2.'],
  [{ numNodes: 1.5 }, "Trainer.numNodes must be a whole number of at least 1, got 1.5."],
  [{ accelerator: "tpu" }, 'Trainer.accelerator must be "auto", "cpu" or "gpu", got "tpu".'],
  [{ accelerator: "gpu" }, "The accelerator gpu cannot run on your system, since it is not available"],
  [{ syncBatchnorm: 1 }, "Trainer.syncBatchnorm must be true or false, got 1."],
  [{ useDistributedSampler: "no" }, 'Trainer.useDistributedSampler must be true or false, got "no".'],
] as const)("%j is refused", (options, message) => {
  expect(() => new Trainer({ logger: false, ...options } as never)).toThrow(message);
});

it.each([
  ["processors of one's own", [[0], [1]], [1, 1]],
  [
    "four for two",
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ],
    [2, 2],
  ],
  [
    "two for three",
    [
      [0, 1],
      [0, 1],
      [0, 1],
    ],
    [1, 1, 1],
  ],
  ["three for each third of nine", Array(3).fill([0, 1, 2, 3, 4, 5, 6, 7, 8]), [3, 3, 3]],
  [
    "two sockets of four for four",
    [
      [0, 1, 2, 3],
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [4, 5, 6, 7],
    ],
    [2, 2, 2, 2],
  ],
])("threads: %s", (_, cpus: number[][], threads) => {
  expect(cpus.map((__, i) => shareOfThreads(cpus, i))).toEqual(threads);
});

it("Linux's lists of processors are read", () => {
  expect(parseCpus("0-3,8,10-11")).toEqual([0, 1, 2, 3, 8, 10, 11]);
});

it("answers strategies that PyTorch Lightning has or had", () => {
  expect(() => makeStrategy({ accelerator: "ddp" as never }, undefined)).toThrow(
    'Trainer.accelerator must be "auto", "cpu" or "gpu", got "ddp". How processes train together is written strategy: "ddp" now.',
  );
  expect(() => makeStrategy({ strategy: "ddp_spawn" as never }, undefined)).toThrow(
    'got "ddp_spawn". Processes that train together are ddp here, whatever starts them.',
  );
});
