/** Tells `onProgress` how a file comes. */
import type { Context } from "./context.ts";
import type { ManifestFile } from "./manifest.ts";
import type { DownloadProgress } from "./progress.ts";

/** Turns positions in one file into reports on the whole, with the rate of the last seconds. */
export class Reporter {
  address: string | undefined;
  readonly #file: ManifestFile;
  readonly #before: number;
  readonly #context: Context;
  #samples: { time: number; received: number }[] = [];
  #lastTime = Number.NEGATIVE_INFINITY;
  #lastPhase = "";

  constructor(file: ManifestFile, before: number, context: Context) {
    this.#file = file;
    this.#before = before;
    this.#context = context;
  }

  report(phase: DownloadProgress["phase"], received: number, message?: string): void {
    const now = performance.now();
    const samples = this.#samples;
    if (phase !== this.#lastPhase) {
      samples.length = 0;
    } else if (message === undefined && now - this.#lastTime < 50) {
      return;
    }
    this.#lastPhase = phase;
    this.#lastTime = now;
    while (samples.length > 1 && now - (samples[0]?.time ?? now) > 3000) {
      samples.shift();
    }
    const oldest = samples[0];
    samples.push({ time: now, received });
    const bytesPerSecond =
      oldest === undefined || now - oldest.time < 100
        ? 0
        : Math.max(0, (received - oldest.received) / (now - oldest.time)) * 1000;
    this.#context.onProgress({
      phase,
      file: this.#file.path,
      received,
      size: this.#file.size,
      receivedOfAll: this.#before + received,
      sizeOfAll: this.#context.sizeOfAll,
      bytesPerSecond,
      ...(this.address === undefined ? {} : { address: this.address }),
      ...(message === undefined ? {} : { message }),
    });
  }
}
