/** Suppression of the boxes that a text detector gives on a 1280 x 720 image, against torchvision's for upright boxes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  countOf,
  decodeGeometry,
  encodeGeometry,
  localityAwareNms,
  nms,
  type RotatedBox,
} from "../../lib/convbook/detection/index.ts";
import { Generator } from "../../lib/convbook/random/index.ts";
import type { BenchResult, BenchRow } from "./main.ts";

const rounds = 21;
const threshold = 0.2;

function medianTime(work: () => unknown): number {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    work();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[rounds >> 1] as number;
}

/** What a detector that errs by some pixels gives for 60 texts. */
function detections(turned: boolean) {
  const generator = new Generator(1);
  const random = () => generator.uniformDouble();
  const texts = Array.from({ length: 60 }, (): RotatedBox => {
    const [cx, cy] = [random() * 1280, random() * 720];
    const [width, height] = [60 + 100 * random(), 20 + 30 * random()];
    return { cx, cy, width, height, angle: turned ? 1.5 * (random() - 0.5) : 0 };
  });
  const maps = encodeGeometry(texts, { height: 180, width: 320, shrink: 0.1 });
  for (let i = 0; i < maps.distances.length; i++) {
    maps.distances[i] = (maps.distances[i] as number) + 4 * (random() - 0.5);
  }
  for (let i = 0; i < maps.score.length; i++) {
    maps.score[i] = (maps.score[i] as number) * (0.6 + 0.4 * random());
  }
  return maps;
}

export async function run(): Promise<BenchResult> {
  const script = fileURLToPath(new URL("detection.py", import.meta.url));
  const python = spawn("/usr/bin/python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  const rows: BenchRow[] = [];
  const round = (value: number) => Math.round(value * 100) / 100;
  try {
    for (const turned of [false, true]) {
      const maps = detections(turned);
      const quads = decodeGeometry(maps);
      const boxes = turned ? "turned boxes" : "upright boxes";
      const add = (what: string, mine: number, theirs: number | null) =>
        rows.push({
          what: `${what}, ${countOf(quads)} ${boxes}`,
          "ours ms": round(mine),
          "torchvision ms": theirs === null ? null : round(theirs),
          "torchvision / ours": theirs === null ? null : round(theirs / mine),
        });
      add(
        "decoding",
        medianTime(() => decodeGeometry(maps)),
        null,
      );
      let theirs: number | null = null;
      if (!turned) {
        const edges = Array.from({ length: countOf(quads) }, (_, i) => {
          const [left, top, , , right, bottom] = quads.corners.subarray(8 * i, 8 * i + 8);
          return [left, top, right, bottom];
        });
        python.stdin.write(`${JSON.stringify({ boxes: edges, scores: [...quads.scores], rounds, threshold })}\n`);
        theirs = JSON.parse(String((await answers.next()).value)).ms;
      }
      add(
        "plain suppression",
        medianTime(() => nms(quads, threshold)),
        theirs,
      );
      add(
        "locality-aware suppression",
        medianTime(() => localityAwareNms(quads)),
        theirs,
      );
    }
  } finally {
    python.stdin.end();
    await once(python, "close");
  }
  return { note: `Medians of ${rounds}; torchvision's nms takes upright boxes only, on one thread.`, rows };
}
