/**
 * Where a fused program pays: blocks of many widths, image sizes and batches, as programs and without, taking turns. It takes half an hour, so each
 * row is told on standard error when it is there.
 */
import { AdaptiveAvgPool2d, Conv2d, eagerly, Flatten, Linear, Sequential } from "../../../lib/convbook/nn/index.ts";
import { compete, type Entry, type Mode, modes, rounded } from "./contest.ts";
import { programFloor } from "./floors.ts";
import { contestantOf } from "./networks.ts";
import type { Options, Section } from "./options.ts";
import { type Blocks, blockKinds } from "./own-networks.ts";
import { smallPrograms } from "./small-programs.ts";

const widths = [16, 32, 64, 128, 256, 512];
const sizes = [8, 14, 32, 56, 112, 224];
const batches = [1, 8, 32, 128];
/** Arithmetic of a step that is long enough to be measured and short enough to be waited for: multiply-adds of one 3x3 convolution. */
const leastWork = 2e6;
const mostWork = 2.5e9;
/** Milliseconds of inference that a turn takes at least. */
const turn = 60;
/** Few images, learnt for a hundred steps at the rate of whole batches, would end in weights that are no numbers. */
const learningRate = 0.001;
const { ratio: floor, attempts } = programFloor;
/** Numbers that a buffer of a block may have. */
const mostNumbers = 2 ** 25;

export async function programs({ rounds }: Options): Promise<readonly Section[]> {
  return [await largePrograms(rounds), await smallPrograms(rounds)];
}

/** Fastest steps of a case as programs and without, in milliseconds by "label mode". */
type Fastest = ReadonlyMap<string, number>;

const ratioOf = (fastest: Fastest, mode: Mode) =>
  (fastest.get(`off ${mode}`) ?? Number.NaN) / (fastest.get(`on ${mode}`) ?? Number.NaN);

/** Two blocks with a convolution before and a head behind. What comes out below the floor is measured again. */
export async function programsOf(
  create: (width: number) => Blocks,
  width: number,
  size: number,
  batch: number,
  rounds: number,
): Promise<Fastest> {
  const { layers, channels } = create(width);
  const module = new Sequential(
    new Conv2d(3, width, { kernelSize: 1 }),
    ...layers,
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(channels, 10),
  );
  const shape: [number, number, number, number] = [batch, size, size, 3];
  const entries: [Entry, Entry] = [
    { label: "on", contestant: contestantOf(module, shape, undefined, learningRate) },
    { label: "off", contestant: contestantOf(module, shape, eagerly, learningRate) },
  ];
  // Short steps are made often enough for the JavaScript around them to be compiled.
  const [{ contestant }] = entries;
  await contestant.step("infer");
  const burst = Math.max(3, Math.ceil(turn / (await contestant.step("infer"))));
  const fastest = new Map<string, number>();
  for (let attempt = 0; attempt < attempts; attempt++) {
    const which = modes.filter((mode) => attempt === 0 || ratioOf(fastest, mode) < floor);
    for (const [key, times] of await compete(entries, rounds, { which, burst, warmUp: 2 })) {
      fastest.set(key, Math.min(fastest.get(key) ?? Number.POSITIVE_INFINITY, ...times));
    }
  }
  contestant.close();
  return fastest;
}

async function largePrograms(rounds: number): Promise<Section> {
  const worst = { ratio: Number.POSITIVE_INFINITY, where: "" };
  const rows: Section["rows"][number][] = [];
  for (const [kind, create] of Object.entries(blockKinds)) {
    for (const width of widths) {
      for (const size of sizes) {
        for (const batch of batches) {
          const numbers = batch * size * size * width;
          const work = numbers * width * 9;
          if (work < leastWork || work > mostWork || numbers > mostNumbers) {
            continue;
          }
          const fastest = await programsOf(create, width, size, batch, rounds);
          const row: Record<string, string | number> = { kind, width, size, batch };
          for (const mode of modes) {
            row[`${mode} ms`] = rounded(fastest.get(`on ${mode}`) ?? Number.NaN);
            const ratio = ratioOf(fastest, mode);
            row[mode] = rounded(ratio);
            if (ratio < worst.ratio) {
              Object.assign(worst, {
                ratio,
                where: `${kind}, ${width} channels, ${size} pixels, ${batch} images, ${mode}`,
              });
            }
          }
          rows.push(row);
          console.error(Object.values(row).join(" "));
        }
      }
    }
  }
  const note = `Two blocks with a convolution before and a head behind; milliseconds as programs, fastest of ${2 * rounds} or more, and how many times faster that is than without (below ${floor} measured again, up to ${attempts} times). Worst: ${rounded(worst.ratio)} (${worst.where})`;
  return { title: "Programs", note, rows };
}
