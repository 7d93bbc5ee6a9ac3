/** Small networks as their own forward pass runs them and with every operation run when it is called, taking turns: no size may lose by graphs. */
import { createModelFrom } from "../../../lib/convbook/models/index.ts";
import { eagerly } from "../../../lib/convbook/nn/index.ts";
import { compete, type Entry, type Mode, median, modes, rounded } from "./contest.ts";
import { programFloor } from "./floors.ts";
import { contestantOf, networks } from "./networks.ts";
import type { Section } from "./options.ts";
import { type SmallNetwork, smallNetworks } from "./small-blocks.ts";

const widths = [4, 16, 64];
const sizes = [4, 8, 16, 32];
const batches = [1, 2, 8];
/** Milliseconds that a turn takes at least. */
const turn = 2;
const learningRate = 0.001;

/** How long a step takes, and how many times as long without graphs. */
interface Outcome {
  readonly ms: number;
  readonly ratio: number;
}

async function outcomeOf({ module, shape }: SmallNetwork, mode: Mode, rounds: number): Promise<Outcome> {
  const entries: [Entry, Entry] = [
    { label: "on", contestant: contestantOf(module, shape, undefined, learningRate) },
    { label: "off", contestant: contestantOf(module, shape, eagerly, learningRate) },
  ];
  const [{ contestant }] = entries;
  await contestant.step(mode);
  const burst = Math.max(4, Math.ceil(turn / (await contestant.step(mode))));
  const least = new Map<string, number>();
  const at = (label: string) => least.get(`${label} ${mode}`) ?? Number.NaN;
  const enough = () => at("off") / at("on") >= programFloor.ratio;
  for (let round = 0; round < rounds || (!enough() && round < rounds * programFloor.attempts); round++) {
    const order = round % 2 === 0 ? entries : [entries[1], entries[0]];
    for (const [key, values] of await compete(order, 1, { which: [mode], warmUp: round === 0 ? 2 : 0, burst })) {
      least.set(key, Math.min(least.get(key) ?? Number.POSITIVE_INFINITY, median(values)));
    }
  }
  contestant.close();
  return { ms: at("on"), ratio: at("off") / at("on") };
}

export async function smallPrograms(rounds: number): Promise<Section> {
  const rows: Section["rows"][number][] = [];
  const worst = { ratio: Number.POSITIVE_INFINITY, where: "" };
  const measure = async (where: string, create: () => SmallNetwork, mode: Mode): Promise<Outcome> => {
    const outcome = await outcomeOf(create(), mode, rounds);
    if (outcome.ratio < worst.ratio) {
      Object.assign(worst, { ratio: outcome.ratio, where: `${where}, ${mode}` });
    }
    return outcome;
  };
  const row = (kind: string, where: string, batch: number, mode: Mode, outcomes: readonly Outcome[]) => {
    const ratios = outcomes.map(({ ratio }) => ratio);
    const [least, most] = [Math.min(...outcomes.map(({ ms }) => ms)), Math.max(...outcomes.map(({ ms }) => ms))];
    const ms = `${rounded(least, 3)} to ${rounded(most, 3)}`;
    const line = {
      kind,
      of: where,
      batch,
      mode,
      ms,
      worst: rounded(Math.min(...ratios)),
      median: rounded(median(ratios)),
    };
    rows.push(line);
    console.error(Object.values(line).join(", "));
  };
  for (const mode of modes) {
    for (const [kind, create] of Object.entries(smallNetworks)) {
      for (const batch of batches) {
        const outcomes: Outcome[] = [];
        for (const width of widths) {
          for (const size of sizes) {
            const where = `${kind}, ${width} channels, ${size} pixels, ${batch} images`;
            outcomes.push(await measure(where, () => create(width, size, batch), mode));
          }
        }
        row(kind, `${widths.join("/")} channels, ${sizes.join("/")} pixels`, batch, mode, outcomes);
      }
    }
    for (const [name, { model, hparams }] of Object.entries(networks)) {
      const create = () => ({ module: createModelFrom(model, hparams), shape: [1, 32, 32, 3] });
      row(name, "32 pixels", 1, mode, [await measure(`${name}, 1 image`, create, mode)]);
    }
  }
  const note =
    `Milliseconds a step, and how many times as long it takes without graphs; turns of at least ${turn} ms, fastest of ${rounds} medians (of up to ${programFloor.attempts} times as many below ${programFloor.ratio}). ` +
    `Worst: ${rounded(worst.ratio)} (${worst.where})`;
  return { title: "Small networks", note, rows };
}
