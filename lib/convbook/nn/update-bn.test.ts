import "@tensorflow/tfjs-backend-cpu";
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { describe, expect, it } from "vitest";
import type { StateDict } from "../tensor-data.ts";
import { BatchNorm1d, Linear, Sequential, updateBn } from "./index.ts";

interface Values {
  readonly shape: number[];
  readonly data: number[];
}

const fixture = JSON.parse(readFileSync(new URL("fixtures/update-bn.json", import.meta.url), "utf8")) as {
  readonly before: Record<string, Values>;
  readonly batches: Values[];
  readonly after: Record<string, Values>;
};

/** The network of the fixture, in evaluation mode, with statistics that remember other data. */
function network(): Sequential {
  const net = new Sequential(
    new Linear(3, 4),
    new BatchNorm1d(4, { momentum: 0.003 }),
    new Linear(4, 2),
    new BatchNorm1d(2),
  );
  const state: StateDict = new Map(
    Object.entries(fixture.before).map(([name, { shape, data }]) => [
      name,
      name.endsWith("num_batches_tracked")
        ? { dtype: "int64", shape, data: BigInt64Array.from(data, BigInt) }
        : { dtype: "float32", shape, data: Float32Array.from(data) },
    ]),
  );
  net.loadStateDict(state);
  return net.eval();
}

const batches = () => fixture.batches.map(({ shape, data }) => tf.tensor(data, shape));

describe("updateBn", () => {
  it("leaves what PyTorch's update_bn leaves", async () => {
    const net = network();
    await updateBn(net, batches());
    const found = net.stateDict();
    expect([...found.keys()].sort()).toEqual(Object.keys(fixture.after).sort());
    for (const [name, { data }] of Object.entries(fixture.after)) {
      const values = Array.from(found.get(name)?.data ?? [], Number);
      for (const [i, value] of data.entries()) {
        expect(values[i], `${name}[${i}]`).toBeCloseTo(value, 5);
      }
    }
  });

  it("keeps momenta and modes, and disposes of the batches", async () => {
    const net = network();
    const [, frozen] = net.children();
    frozen?.train();
    net.stateDict();
    const given = batches();
    // The first call puts the weights into the backend's memory.
    await updateBn(net, batches());
    const before = tf.memory().numTensors;
    await updateBn(
      net,
      (async function* () {
        for (const batch of given) {
          yield [batch];
        }
      })(),
    );
    expect(tf.memory().numTensors).toBe(before - given.length);
    const norms = net.modules().filter((each) => each instanceof BatchNorm1d);
    expect(norms.map(({ momentum }) => momentum)).toEqual([0.003, 0.1]);
    expect(net.modules().map(({ training }) => training)).toEqual([false, false, true, false, false]);
  });

  it("restores them when a batch does not fit", async () => {
    const net = network();
    await expect(updateBn(net, [tf.zeros([4, 7])])).rejects.toThrow("Linear");
    const norms = net.modules().filter((each) => each instanceof BatchNorm1d);
    expect(norms.map(({ momentum }) => momentum)).toEqual([0.003, 0.1]);
    expect(net.training).toBe(false);
  });
});
