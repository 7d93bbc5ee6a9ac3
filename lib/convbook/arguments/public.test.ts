/** Every public function, constructor and `forward` names the argument that is wrong, says what it got, and never trips over it. */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { dataRows } from "./testing/data-rows.ts";
import { nnRows } from "./testing/nn-rows.ts";
import { complaint, outcomeOf, wrongCalls } from "./testing/probe.ts";
import { trainingRows } from "./testing/training-rows.ts";

const rows = [...nnRows, ...trainingRows, ...dataRows];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

describe("what is wrong is named", () => {
  it.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const problems: string[] = [];
    const right = await outcomeOf(() => row.call(...row.args.map(({ good }) => good)));
    if ("error" in right) problems.push(`refuses what is right: ${String(right.error)}`);
    for (const { argument, value, args, title } of wrongCalls(row)) {
      const problem = complaint(argument, value, await outcomeOf(() => row.call(...args)));
      if (problem !== null) problems.push(`${title}: ${problem}`);
    }
    expect(problems, problems.join("\n")).toHaveLength(0);
  });
});
