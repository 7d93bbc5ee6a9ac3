/**
 * Operations that programs of tfjs's users are made of beside convolutions, by the engine and by tfjs's other backends, taking turns: einsum,
 * space and batches, Fourier transforms, resizing, running and segment sums, cells of recurrent networks, and what models for images end with.
 */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount } from "@tensorflow/tfjs-backend-wasm";
import { rounded } from "./contest.ts";
import { operationCases } from "./operation-cases.ts";
import type { Options, Section } from "./options.ts";

/** No more calls than this, and no longer than `mostMilliseconds` for one operation on one backend in a round. */
const mostCalls = 20;
const mostMilliseconds = 60;

/** Best milliseconds of a call; undefined where the backend has no such kernel. */
function timed(f: () => tf.TensorContainer, rounds: number): number | undefined {
  let best: number | undefined;
  for (let round = 0; round < rounds; round++) {
    const end = performance.now() + mostMilliseconds;
    for (let call = 0; call < mostCalls && (call === 0 || performance.now() < end); call++) {
      const start = performance.now();
      try {
        tf.tidy(() => {
          for (const result of tf.util.flatten([f()] as never) as unknown as tf.Tensor[]) {
            result.dataSync();
          }
        });
      } catch (error) {
        if (/Kernel '.*' not registered|not yet|does not support/.test((error as Error).message)) {
          return undefined;
        }
        throw error;
      }
      best = Math.min(best ?? Number.POSITIVE_INFINITY, performance.now() - start);
    }
  }
  return best;
}

const contenders = ["native", "native, one thread", "wasm", "cpu"] as const;

export async function operations({ rounds, threads }: Options): Promise<Section> {
  setThreadsCount(1);
  const rows: Section["rows"][number][] = [];
  for (const { name, make } of operationCases) {
    const best = new Map<string, number>();
    for (const contender of contenders) {
      const [backend = ""] = contender.split(",");
      engine.setThreads(contender === "native, one thread" ? 1 : threads);
      await tf.setBackend(backend);
      const f = make();
      const milliseconds = timed(f.run, backend === "cpu" ? 1 : rounds);
      tf.dispose(f.tensors);
      if (milliseconds !== undefined) {
        best.set(contender, milliseconds);
      }
    }
    const of = (contender: (typeof contenders)[number]) => best.get(contender) ?? null;
    const [all, one, wasm, cpu] = contenders.map(of);
    const ratio = (other: number | null | undefined) =>
      other === null || other === undefined || !one ? null : rounded(other / one, 1);
    const shown = (ms: number | null | undefined) => (ms === null || ms === undefined ? "cannot" : rounded(ms, 3));
    rows.push({
      operation: name,
      native: shown(all),
      oneThread: shown(one),
      wasm: shown(wasm),
      cpu: shown(cpu),
      wasmByOneThread: ratio(wasm),
      cpuByOneThread: ratio(cpu),
    });
  }
  engine.setThreads(threads);
  await tf.setBackend("native");
  engine.trim();
  const note =
    "Milliseconds, best of several calls with the result read: the engine with all threads and with one, tfjs's WebAssembly backend with one, its CPU " +
    "backend; wasmByOneThread, cpuByOneThread: how many times the engine with one thread is as fast";
  return { title: "Operations", note, rows };
}
