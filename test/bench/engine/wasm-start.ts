/** What it costs to start the engine in WebAssembly: from its import to the first operation, in fresh processes that have TensorFlow.js. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { median, rounded } from "./contest.ts";
import type { Section } from "./options.ts";

const repository = fileURLToPath(new URL("../../../", import.meta.url));
const repeats = 9;
const mostMilliseconds = 150;

const program = `
  const tf = await import("@tensorflow/tfjs-core");
  await import("@tensorflow/tfjs-backend-cpu");
  const before = process.cpuUsage();
  const start = performance.now();
  await import("@convbook/engine");
  await tf.setBackend("native");
  tf.conv2d(tf.ones([1, 8, 8, 4]), tf.ones([3, 3, 4, 8]), 1, "same").dataSync();
  const { user, system } = process.cpuUsage(before);
  console.log(performance.now() - start, (user + system) / 1000);`;

export async function wasmStart(): Promise<Section> {
  const rows: Section["rows"][number][] = [];
  if (!existsSync(fileURLToPath(new URL("../../../lib/engine/dist/index.js", import.meta.url)))) {
    console.error("The start is left out: the engine is not built (npm run build)");
    return { title: "Start of WebAssembly", note: "Nothing was measured", rows };
  }
  const times = new Map<string, [wall: number, cpu: number][]>([
    ["wasm", []],
    ["native", []],
  ]);
  for (let i = 0; i < repeats; i++) {
    for (const [build, list] of times) {
      const env = { ...process.env, CONVBOOK_ISA: build === "wasm" ? "wasm" : "" };
      const args = ["--input-type=module", "--eval", program];
      const [wall = Number.NaN, cpu = Number.NaN] = execFileSync(process.execPath, args, {
        cwd: repository,
        encoding: "utf8",
        env,
      })
        .split(" ")
        .map(Number);
      list.push([wall, cpu]);
    }
  }
  for (const [build, list] of times) {
    const [walls, cpus] = [list.map(([wall]) => wall), list.map(([, cpu]) => cpu)];
    const fastest = Math.min(...walls);
    rows.push({
      build,
      fastest: rounded(fastest, 1),
      median: rounded(median(walls), 1),
      processorTime: rounded(median(cpus), 1),
      target: build === "wasm" ? `<= ${mostMilliseconds}` : "",
      met: build === "wasm" ? (fastest <= mostMilliseconds ? "yes" : "no") : null,
    });
  }
  const note = `Milliseconds from the import of the engine to the end of the first operation, in ${repeats} fresh processes each, taking turns`;
  return { title: "Start of WebAssembly", note, rows };
}
