import type { Program, ProgramNorm, ProgramOperation } from "@convbook/engine";
import { describe, expect, it } from "vitest";
import { joinSiblings } from "./siblings.ts";

const conv = (
  source: number,
  target: number,
  outChannels: number,
  more: Partial<ProgramOperation> = {},
): ProgramOperation => ({
  kind: "conv",
  source,
  sourceOffset: 0,
  inChannels: 8,
  norm: -1,
  target,
  targetOffset: 0,
  outChannels,
  residual: -1,
  filter: [1, 1],
  strides: [1, 1],
  pad: [0, 0],
  weight: 0,
  bias: -1,
  activation: "linear",
  fold: -1,
  ...more,
});
const buffer = (channels: number) => ({ height: 4, width: 4, channels });
const norm = (of: number, channels: number): ProgramNorm => ({
  buffer: of,
  offset: 0,
  channels,
  gamma: 1,
  beta: 2,
  relu: true,
  mean: -1,
  variance: -1,
  epsilon: 1e-5,
  share: 0.1,
});
const summary = ({ operations }: Program) =>
  operations.map(({ kind, source, sourceOffset, target, targetOffset }) => [
    kind,
    `${source}+${sourceOffset}`,
    `${target}+${targetOffset}`,
  ]);

describe("convolutions that read the same", () => {
  it("come to lie side by side, and what reads them follows", () => {
    const program = joinSiblings({
      buffers: [buffer(8), buffer(3), buffer(9), buffer(5), buffer(9)],
      norms: [norm(1, 3), norm(3, 5)],
      operations: [
        conv(0, 1, 3),
        conv(1, 2, 4, { inChannels: 3, norm: 0, filter: [3, 3] }),
        conv(0, 3, 5),
        conv(3, 2, 5, { inChannels: 5, norm: 1, filter: [3, 3], targetOffset: 4 }),
      ],
      output: 2,
    });
    expect(program.buffers.map(({ channels }) => channels)).toEqual([8, 9, 8]);
    expect(program.output).toBe(1);
    expect(summary(program)).toEqual([
      ["conv", "0+0", "2+0"],
      ["conv", "0+0", "2+3"],
      ["conv", "2+0", "1+0"],
      ["conv", "2+3", "1+4"],
    ]);
    expect(program.norms.map((n) => [n.buffer, n.offset])).toEqual([
      [2, 0],
      [2, 3],
    ]);
  });

  it("are copied where the result belongs elsewhere, unless that is most of them", () => {
    const joined = (elsewhere: number) =>
      joinSiblings({
        buffers: [buffer(8), buffer(30), buffer(6)],
        norms: [],
        operations: [conv(0, 1, elsewhere), conv(0, 2, 6), conv(2, 1, 20, { inChannels: 6, targetOffset: 10 })],
        output: 1,
      });
    expect(summary(joined(4))).toEqual([
      ["conv", "0+0", "2+0"],
      ["conv", "0+0", "2+4"],
      ["merge", "2+0", "1+0"],
      ["conv", "2+4", "1+10"],
    ]);
    expect(summary(joined(7)).map(([kind]) => kind)).toEqual(["conv", "conv", "conv"]);
  });

  it.each([
    ["windows differ", [conv(0, 1, 3), conv(0, 2, 3, { filter: [3, 3] })]],
    ["activations differ", [conv(0, 1, 3), conv(0, 2, 3, { activation: "relu" as const })]],
    ["only one has a bias", [conv(0, 1, 3), conv(0, 2, 3, { bias: 4 })]],
    ["channels differ", [conv(0, 1, 3, { inChannels: 4 }), conv(0, 2, 3, { inChannels: 4, sourceOffset: 4 })]],
    ["one adds a residual", [conv(0, 1, 3), conv(0, 2, 3, { residual: 1 })]],
  ])("stay apart where %s", (_, operations) => {
    const program: Program = {
      buffers: [buffer(8), buffer(3), buffer(3), buffer(6)],
      norms: [],
      operations: [...operations, conv(1, 3, 3, { inChannels: 3 }), conv(2, 3, 3, { inChannels: 3, targetOffset: 3 })],
      output: 3,
    };
    expect(summary(joinSiblings(program))).toEqual(summary(program));
  });

  it("stay apart where a pool wants the result whole, or it is the program's own", () => {
    const pool = conv(1, 3, 3, { kind: "maxPool", inChannels: 3, filter: [3, 3], pad: [1, 1] });
    const program = { buffers: [buffer(8), buffer(3), buffer(3), buffer(3)], norms: [], output: 2 };
    const operations = [conv(0, 1, 3), conv(0, 2, 3), pool];
    expect(summary(joinSiblings({ ...program, operations }))).toEqual(summary({ ...program, operations }));
  });
});
