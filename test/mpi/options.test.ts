/**
 * Options of the Trainer on two ranks: what one process computes with all their batches, the same on both, and decided once where ranks alone would
 * decide otherwise.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtProgram } from "../built-program.ts";
import { launch, libraries } from "./launch.ts";

type State = Readonly<Record<string, readonly number[]>>;
// biome-ignore lint/suspicious/noExplicitAny: each option reports something else
type Reports = Readonly<Record<string, any>>;

const program = fileURLToPath(new URL("./programs/options.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-options-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The largest difference between two states, of the largest number of each tensor. */
function distance(a: State, b: State): number {
  const of = (name: string) => {
    const [x = [], y = []] = [a[name], b[name]];
    return Math.max(...x.map((value, i) => Math.abs(value - (y[i] ?? Number.NaN)))) / Math.max(...y.map(Math.abs));
  };
  return Math.max(...Object.keys(b).map(of));
}

const likeOne = ["manual", "overfit", "fast", "finder", "finetuning", "ema", "schedule", "swa"];

describe.each(libraries.slice(0, 1))("on $family", (library) => {
  let ranks: readonly Reports[] = [];
  let one: Reports = {};
  let said = "";

  beforeAll(async () => {
    const others = [
      "early",
      "plateau",
      "stop",
      "shared",
      "collectives",
      "overlap",
      "buffers",
      "best",
      "few",
      "heads",
      "tiny",
      "logs",
    ];
    const file = join(folder, "report");
    const { code, stdout, stderr } = await launch(library, 2, program, [[...likeOne, ...others].join(), folder, file]);
    said = stdout;
    expect(code, stderr).toBe(0);
    ranks = [0, 1].map((rank) => JSON.parse(readFileSync(`${file}.${rank}`, "utf8")));
    const args = [await builtProgram(program), likeOne.join(), folder, join(folder, "one")];
    const alone = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(alone.status, alone.stderr).toBe(0);
    one = JSON.parse(readFileSync(join(folder, "one.0"), "utf8"));
  }, 400_000);

  it.each(["manual", "overfit", "fast", "finetuning", "ema", "schedule"])(
    "%s: the parameters are one process's, and the same on both",
    (option) => {
      for (const report of ranks) {
        expect(report[option].globalStep).toBe(one[option].globalStep);
        expect(report[option].state).toEqual(ranks[0]?.[option].state);
        expect(distance(report[option].state, one[option].state)).toBeLessThan(1e-5);
      }
    },
  );

  it("overfitBatches and fastDevRun take as many batches of all ranks together, for validation too", () => {
    for (const report of ranks) {
      expect(report.overfit.globalStep).toBe(8);
      expect(report.fast.globalStep).toBe(1);
      expect(report.overfit.metrics.val_images).toBe(16);
      expect(report.fast.metrics.val_images).toBe(8);
      expect(report.overfit.metrics.val_loss).toBeCloseTo(one.overfit.metrics.val_loss, 5);
      expect(report.fast.metrics.val_loss).toBeCloseTo(one.fast.metrics.val_loss, 5);
    }
    // It saves nothing.
    expect(existsSync(join(folder, "fast"))).toBe(false);
  });

  it("the learning-rate finder averages gradients and losses, and puts everything back", () => {
    const [{ finder } = {}] = ranks;
    expect(ranks[1]?.finder).toEqual(finder);
    expect(finder.same).toBe(true);
    // As long as the rate is one at which rounding does not grow.
    const gentle = finder.lrs.findIndex((lr: number) => lr > 0.5);
    expect(gentle).toBeGreaterThan(15);
    expect(finder.lrs.slice(0, gentle)).toEqual(one.finder.lrs.slice(0, gentle));
    for (const [i, loss] of finder.losses.slice(0, gentle).entries()) {
      expect(loss).toBeCloseTo(one.finder.losses[i], 5);
    }
  });

  it("EarlyStopping watches rank 0's value, and all stop there", () => {
    // Rank 0's falls until step 17 and then stays worse, and is looked at after each sixth step; rank 1's never falls.
    const reason = "EarlyStopping: watched did not improve in the last 2 checks; its best was -17";
    expect(ranks.map(({ early }) => early)).toEqual(Array(2).fill({ globalStep: 30, reason }));
  });

  it("ReduceLROnPlateau watches rank 0's value, and rates stay the same", () => {
    const [{ plateau } = {}] = ranks;
    expect(ranks[1]?.plateau).toEqual(plateau);
    // Rank 0's grows at each of 12 steps, rank 1's falls.
    expect(plateau.lr).toBeCloseTo(0.1 * 0.5 ** 11, 12);
  });

  it("when a callback of one rank stops training at an epoch's end, all stop there", () => {
    expect(ranks.map(({ stop }) => stop)).toEqual(Array(2).fill({ globalStep: 6, status: "completed" }));
  });

  it("values of a step with syncDist are of all ranks, as they reduce; others are each rank's own", () => {
    for (const [rank, { shared }] of ranks.entries()) {
      expect(shared).toMatchObject({ shared_mean: 1.5, shared_sum: 3, shared_min: 1, shared_max: 2 });
      expect(shared.watched).toBe(1 + rank);
    }
  });

  it("gradients go over the network once a step, however many batches it has", () => {
    expect(ranks.map(({ collectives }) => collectives)).toEqual(Array(2).fill({ sums: 3, steps: 3, batches: 7 }));
  });

  it("buckets are on their way while the backward pass computes the gradients of earlier layers", () => {
    const during = [...Array(4).fill("bucket"), "first layer", ...Array(2).fill("bucket")];
    // A backward pass of the module's own is waited for.
    const after = ["first layer", ...Array(6).fill("bucket")];
    expect(ranks.map(({ overlap }) => overlap)).toEqual(Array(2).fill([during, after]));
  });

  it("buffers that a step reads are rank 0's: a module's own, and running statistics of layers that are frozen", () => {
    const [first, second] = ranks.map(({ buffers }) => buffers as number[][]);
    expect(first?.map(({ length }) => length)).toEqual([1, 1, 1, 4, 4, 4]);
    expect(first?.[2]?.[0]).not.toBe(first?.[1]?.[0]);
    expect(second).toEqual(first);
  });

  it('the checkpoint "best" is one for all ranks, and each image is tested once', () => {
    const [{ best } = {}] = ranks;
    expect(ranks[1]?.best).toEqual(best);
    expect(best.bestModelPath).toMatch(/epoch=\d-step=\d+\.safetensors$/);
    expect(best.metrics.val_images).toBe(13);
    expect(best.differs).toBe(true);
  });

  it("StochasticWeightAveraging measures statistics over the images of all ranks", () => {
    for (const { swa } of ranks) {
      expect(swa).toEqual(ranks[0]?.swa);
      for (const [i, mean] of swa.entries()) {
        expect(mean).toBeCloseTo(one.swa[i], 5);
      }
    }
  });

  it("parameters that only some ranks use are trained on all, and values that only some ranks log are of those", () => {
    const [{ heads } = {}] = ranks;
    expect(ranks[1]?.heads).toEqual(heads);
    expect(heads.changed).toEqual(expect.arrayContaining(["body.0.weight", "head.weight", "second.weight"]));
    expect(heads.logged).toBe(3);
  });

  it("one image on two ranks is each one's", () => {
    const [{ tiny } = {}] = ranks;
    expect(ranks[1]?.tiny).toEqual(tiny);
    expect(tiny.globalStep).toBe(2);
  });

  it("rank 0 alone has loggers, whose folders have the first number, and prints", () => {
    expect(ranks.map(({ logs }) => logs.runs)).toEqual([["run"], []]);
    expect(ranks[1]?.logs.saved).toBe(ranks[0]?.logs.saved);
    for (const name of ["convbook_logs", "csv"]) {
      expect(readdirSync(join(folder, "logs", name))).toEqual(["version_0"]);
    }
    expect(said.match(/watched improved from Infinity/g)).toHaveLength(1);
    expect(said.match(/backbone lr: 0\.01/g)).toHaveLength(1);
    expect(said.match(/Time by hook and step/g)).toHaveLength(1);
  });

  it("a rank without validation batches takes part, and shares of batches are of the rank with most", () => {
    expect(ranks.map(({ few }) => few)).toEqual(Array(2).fill([1, 2, 2]));
  });

  it("ranks with different numbers of training batches are refused on all of them", async () => {
    const file = join(folder, "unequal");
    const { code } = await launch(library, 2, program, ["unequal", folder, file]);
    // A fit that failed is the end of working together, also where the program catches it.
    expect(code).not.toBe(0);
    const unequal =
      'The training loader must be something that gives as many batches on every rank, got "2 batches on rank 0 and 4 on rank 1".';
    expect([0, 1].map((rank) => JSON.parse(readFileSync(`${file}.${rank}`, "utf8")))).toEqual(
      Array(2).fill({ unequal }),
    );
  });
});
