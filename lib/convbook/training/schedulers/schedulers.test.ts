import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Optimizer } from "../optimizers/index.ts";
import {
  CosineAnnealingLR,
  createScheduler,
  LambdaLR,
  LinearLR,
  OneCycleLR,
  type Scheduler,
  SequentialLR,
  StepLR,
} from "./index.ts";

// Made by fixtures/make_optimizers.py with PyTorch.
const fixture = JSON.parse(readFileSync(new URL("../fixtures/optimizers.json", import.meta.url), "utf8")) as {
  metrics: number[];
  schedulers: Record<string, { options: Record<string, unknown> | null; rows: [lr: number, momentum: number][][] }>;
};

type Groups = Pick<Optimizer, "paramGroups">;
const makeGroups = (): Groups => ({
  paramGroups: [
    { params: [], lr: 0.1, momentum: 0.9 },
    { params: [], lr: 0.02, momentum: 0.9 },
  ] as unknown as Optimizer["paramGroups"],
});

function makeScheduler(title: string, groups: Groups): Scheduler {
  const options = fixture.schedulers[title]?.options;
  if (options !== null && options !== undefined) {
    return createScheduler(title.split(" ")[0] as string, groups, options);
  }
  const schedulers = [
    new LinearLR(groups, { startFactor: 0.2, totalIters: 5 }),
    new CosineAnnealingLR(groups, { tMax: 12 }),
    new StepLR(groups, { stepSize: 4, gamma: 0.5 }),
  ];
  return new SequentialLR(groups, { schedulers, milestones: [5, 17] });
}

const rowOf = (groups: Groups) =>
  groups.paramGroups.map((group) => [group.lr, (group as unknown as { momentum: number }).momentum]);

function expectRow(groups: Groups, wanted: readonly (readonly number[])[], where: string): void {
  for (const [g, row] of rowOf(groups).entries()) {
    for (const [i, value] of row.entries()) {
      const expected = wanted[g]?.[i] as number;
      if (!(Math.abs((value as number) - expected) <= 1e-5 * Math.abs(expected) + 1e-9)) {
        expect.fail(`${where}, group ${g}, ${i === 0 ? "lr" : "momentum"}: got ${value}, expected ${expected}`);
      }
    }
  }
}

describe.each(Object.entries(fixture.schedulers))("%s", (title, { rows }) => {
  it("equals PyTorch over 50 steps", () => {
    const groups = makeGroups();
    const scheduler = makeScheduler(title, groups);
    expectRow(groups, rows[0] as number[][], "at the start");
    for (const [step, row] of rows.slice(1).entries()) {
      scheduler.step(fixture.metrics[step]);
      expectRow(groups, row, `step ${step}`);
      expect(scheduler.getLastLr()).toEqual(groups.paramGroups.map(({ lr }) => lr));
      // Not even by rounding: an optimizer with such a rate could not be loaded from its checkpoint.
      expect(Math.min(...scheduler.getLastLr())).toBeGreaterThanOrEqual(0);
    }
  });

  it("goes on from a state that went through JSON", () => {
    const groups = makeGroups();
    const scheduler = makeScheduler(title, groups);
    for (let step = 0; step < 18; step++) {
      scheduler.step(fixture.metrics[step]);
    }
    const saved = JSON.parse(JSON.stringify(scheduler.stateDict())) as Record<string, unknown>;
    const resumed = makeGroups();
    const other = makeScheduler(title, resumed);
    other.loadStateDict(saved);
    for (const [i, group] of resumed.paramGroups.entries()) {
      Object.assign(group, groups.paramGroups[i]);
    }
    for (let step = 18; step < 50; step++) {
      other.step(fixture.metrics[step]);
      expectRow(resumed, rows[step + 1] as number[][], `step ${step}`);
    }
  });
});

describe("schedulers", () => {
  it("say what is wrong with their options", () => {
    const groups = makeGroups();
    expect(() => createScheduler("CosineAnealing", groups)).toThrow('Did you mean "CosineAnnealingLR"');
    expect(() => createScheduler("StepLR", groups, { stepsize: 3 })).toThrow(
      'StepLR has no option "stepsize". Did you mean "stepSize"? Options: stepSize, gamma.',
    );
    expect(() => new OneCycleLR(groups, { maxLr: 1 })).toThrow(
      "OneCycleLR.totalSteps must be a whole number above 0, or epochs and stepsPerEpoch given, got undefined.",
    );
    const cycle = new OneCycleLR(groups, { maxLr: 1, totalSteps: 4 });
    for (let step = 0; step < 4; step++) {
      cycle.step();
    }
    expect(() => cycle.step()).toThrow("OneCycleLR was stepped 5 times, but its cycle has 4 steps.");
  });
});

describe("options for each group", () => {
  it("of LambdaLR and ReduceLROnPlateau go by their place", () => {
    const groups = makeGroups();
    const scheduler = new LambdaLR(groups, { lrLambda: [(step) => 1 / (1 + step), (step) => 2 ** step] });
    scheduler.step();
    expect(scheduler.getLastLr()).toEqual([0.05, 0.04]);
  });

  it("are as many as there are groups", () => {
    expect(() => new LambdaLR(makeGroups(), { lrLambda: [() => 1] })).toThrow(
      "LambdaLR.lrLambda must be a function from steps to factors, or one for each of 2 groups",
    );
    expect(() => createScheduler("ReduceLROnPlateau", makeGroups(), { minLr: [0.1] })).toThrow(
      "ReduceLROnPlateau.minLr must be a number of at least 0, or one for each of 2 groups, got [0.1].",
    );
  });
});
