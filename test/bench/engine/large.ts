/** Large and mobile networks at 224 x 224, and wide ones at CIFAR's size, at small batches and larger ones, beside PyTorch. */
import { engine } from "@convbook/engine";
import { createModelFrom } from "../../../lib/convbook/models/index.ts";
import { manualSeed } from "../../../lib/convbook/random/index.ts";
import { compete, type Entry, modes, steady } from "./contest.ts";
import { largeGoals } from "./floors.ts";
import { contestantOf } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { allPeers } from "./process.ts";
import { againstBest, rowOf } from "./speed.ts";

interface LargeNetwork {
  readonly model: string;
  readonly hparams: Readonly<Record<string, unknown>>;
  readonly side: number;
}

const imageNet = (model: string): LargeNetwork => ({ model, hparams: { numClasses: 10 }, side: 224 });

/** By the names that PyTorch's side has for them. */
const largeNetworks: Readonly<Record<string, LargeNetwork>> = {
  resnet18: imageNet("resnet18"),
  resnet50: imageNet("resnet50"),
  mobilenet_v2: imageNet("mobilenet_v2"),
  WideResNet: { model: "ResNet", hparams: { numBlocks: [2, 2, 2, 2], cHidden: [64, 128, 256, 512] }, side: 32 },
};
const batches = [1, 8, 32] as const;

async function measure(title: string, names: readonly string[], options: Options): Promise<Section> {
  const { rounds, profile } = options;
  const { threads, isa } = engine.info();
  const rows: Section["rows"][number][] = [];
  for (const name of names) {
    const { model, hparams, side } = largeNetworks[name] as LargeNetwork;
    for (const batch of batches) {
      manualSeed(42);
      const own = contestantOf(createModelFrom(model, hparams), [batch, side, side, 3]);
      const entries: Entry[] = [{ label: "ours", contestant: own }, ...allPeers(options, name, batch, threads)];
      const times = await compete(entries, rounds, { ...steady, warmUp: 1 });
      if (profile) {
        for (const mode of modes) {
          console.error(`${name}, batch ${batch}, ${mode}\n${await engine.profile(() => own.step(mode))}`);
        }
      }
      for (const { contestant } of entries) {
        contestant.close();
      }
      rows.push(...modes.map((mode) => rowOf(name, mode, batch, times, largeGoals[name]?.[mode])));
      engine.trim();
    }
  }
  const note = `Images a second, ${threads} threads, ${isa}; median of ${rounds}; ${againstBest}`;
  return { title, note, rows };
}

/** torchvision's ResNets at ImageNet's size. */
export const imagenet = (options: Options) => measure("ImageNet", ["resnet18", "resnet50"], options);
/** What telephones run. */
export const mobile = (options: Options) => measure("Mobile", ["mobilenet_v2"], options);
/** A ResNet of 64 to 512 channels at CIFAR's size. */
export const wide = (options: Options) => measure("Wide", ["WideResNet"], options);
