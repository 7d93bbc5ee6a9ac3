/** The fused optimizer steps against PyTorch's, by the fixture of the optimizers in plain tfjs. */
import { readFileSync } from "node:fs";
import { engine } from "@convbook/engine";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, it } from "vitest";
import { createOptimizer } from "../../lib/convbook/training/optimizers/index.ts";
import { expectClose } from "./support.ts";

const fixture = JSON.parse(
  readFileSync(new URL("../../lib/convbook/training/fixtures/optimizers.json", import.meta.url), "utf8"),
) as {
  start: [number[][], number[]];
  target: [number[][], number[]];
  optimizers: Record<string, { options: Record<string, unknown>; history: number[][] }>;
};
const targets = fixture.target.map((value) => value.flat());

describe.runIf(engine.available)("on the native backend", () => {
  beforeAll(async () => {
    await tf.setBackend("native");
  });

  it.each(Object.entries(fixture.optimizers))("%s equals PyTorch", (title, { options, history }) => {
    const variables = fixture.start.map((value) => tf.tidy(() => tf.variable(tf.tensor(value as number[]))));
    const optimizer = createOptimizer(title.split(" ")[0] as string, variables, options);
    history.forEach((wanted, step) => {
      const gradients = new Map(
        variables.map((variable, v) => {
          const slope = (p: number, i: number): number =>
            (p - (targets[v]?.[i] as number)) * (1 + 0.5 * Math.sin(step * 0.7 + 0.1)) + 0.3 * Math.cos(3 * p);
          return [variable, tf.tensor(Array.from(variable.dataSync(), slope), variable.shape)];
        }),
      );
      optimizer.step(gradients);
      tf.dispose([...gradients.values()]);
      const got = Float32Array.from(variables.flatMap((variable) => Array.from(variable.dataSync())));
      expectClose(got, Float32Array.from(wanted), 1e-5, `after step ${step + 1}, value`);
    });
    tf.dispose(variables);
  });
});
