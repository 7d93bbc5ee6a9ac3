/** What the machine and the backend have in use, in the units of PyTorch Lightning's DeviceStatsMonitor: percent and bytes. */
import { readFileSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs-core";
import type { Metrics } from "../logging/results.ts";

/** Backends that compute on a graphics card. */
const onGpu: readonly string[] = ["webgpu", "tensorflow"];

/** Whether the backend in use computes on the processor. */
export function isOnCpu(): boolean {
  return !onGpu.includes(tf.getBackend());
}

/** What all processors have done since they started, ms. */
function processorTimes(): { readonly busy: number; readonly all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const { user, nice, sys, idle, irq } = times;
    busy += user + nice + sys + irq;
    all += user + nice + sys + irq + idle;
  }
  return { busy, all };
}

/** Shares of time since it was last asked. */
export class ProcessorStats {
  #before = processorTimes();
  #own = process.cpuUsage();
  #time = performance.now();

  /**
   * `cpu_percent`, of all processors; `cpu_vm_percent` and, on Linux, `cpu_swap_percent` of the machine's memory; `process_cpu_percent`, 100 a processor, and
   * `process_rss_bytes` of this process.
   */
  read(): Metrics {
    const now = processorTimes();
    const all = now.all - this.#before.all;
    const own = process.cpuUsage(this.#own);
    const time = performance.now();
    const elapsed = time - this.#time;
    const metrics: Metrics = {
      cpu_percent: all === 0 ? 0 : (100 * (now.busy - this.#before.busy)) / all,
      cpu_vm_percent: 100 * (1 - freemem() / totalmem()),
      ...swapPercent(),
      process_cpu_percent: elapsed === 0 ? 0 : (100 * (own.user + own.system)) / 1000 / elapsed,
      process_rss_bytes: process.memoryUsage.rss(),
    };
    this.#before = now;
    this.#own = process.cpuUsage();
    this.#time = time;
    return metrics;
  }
}

/** Linux tells. */
function swapPercent(): Metrics {
  let text: string;
  try {
    text = readFileSync("/proc/meminfo", "utf8");
  } catch {
    return {};
  }
  const size = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  const total = size("SwapTotal");
  return { cpu_swap_percent: total === 0 ? 0 : 100 * (1 - size("SwapFree") / total) };
}

/**
 * What the backend has: `tensors` and `tensor_bytes`; on the native engine `threads`, PyTorch's `allocated_bytes.all.current`, `reserved_bytes.all.current` and
 * `reserved_bytes.all.peak`, and `scratch_bytes`; `gpu_bytes` where a backend tells.
 */
export function backendStats(): Metrics {
  const { numTensors, numBytes, ...more } = tf.memory();
  const metrics: Metrics = { tensors: numTensors, tensor_bytes: numBytes };
  const onCard: unknown = Reflect.get(more, "numBytesInGPU");
  if (typeof onCard === "number") {
    metrics.gpu_bytes = onCard;
  }
  if (tf.getBackend() !== "native") {
    return metrics;
  }
  const { threads, memory } = engine.info();
  const { used, kept, peak, scratch } = memory;
  return {
    ...metrics,
    threads,
    "allocated_bytes.all.current": used,
    "reserved_bytes.all.current": used + kept,
    "reserved_bytes.all.peak": peak,
    scratch_bytes: scratch,
  };
}
