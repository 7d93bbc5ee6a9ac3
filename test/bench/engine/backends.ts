/** The native engine beside tfjs's own backends, so that a user sees what it is worth. */
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
import { compete, type Mode, median, modes, rounded } from "./contest.ts";
import { ours } from "./networks.ts";
import { networksOf, type Options, type Section } from "./options.ts";

/** Backends with the batch and the steps that they are given: an image a second is not worth waiting for 128. */
const contenders = [
  { backend: "native", batch: 128, rounds: 3, warmUp: 2 },
  { backend: "wasm", batch: 8, rounds: 3, warmUp: 1 },
  { backend: "cpu", batch: 2, rounds: 1, warmUp: 0 },
] as const;

/** tfjs's WebAssembly backend has no gradient of a convolution's filter. */
const cannot = (backend: string, mode: Mode): boolean => backend === "wasm" && mode === "train";

export async function backends(options: Options): Promise<Section> {
  const rows: Section["rows"][number][] = [];
  for (const name of networksOf(options, ["ResNet"])) {
    const native = new Map<Mode, number>();
    for (const { backend, batch, rounds, warmUp } of contenders) {
      if (!(await tf.setBackend(backend))) {
        throw new Error(`The backend "${backend}" does not start`);
      }
      const contestant = ours(name, batch);
      const possible = modes.filter((mode) => !cannot(backend, mode));
      const times = await compete([{ label: backend, contestant }], rounds, { which: possible, warmUp });
      contestant.close();
      for (const mode of modes) {
        const milliseconds = times.get(`${backend} ${mode}`);
        const speed = milliseconds === undefined ? undefined : (batch / median(milliseconds)) * 1000;
        if (backend === "native" && speed !== undefined) {
          native.set(mode, speed);
        }
        rows.push({
          model: name,
          backend,
          mode,
          batch,
          imagesPerSecond: speed === undefined ? "cannot" : rounded(speed, 1),
          nativeIsFaster: speed === undefined ? null : rounded((native.get(mode) ?? Number.NaN) / speed, 1),
        });
      }
    }
  }
  await tf.setBackend("native");
  engine.trim();
  const note = "Images a second, few steps of small batches on the slow ones; nativeIsFaster: how many times";
  return { title: "Backends of TensorFlow.js", note, rows };
}
