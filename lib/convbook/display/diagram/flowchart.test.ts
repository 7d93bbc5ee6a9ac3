import { describe, expect, it } from "vitest";
import { displaySymbol, metadataSymbol } from "../mime.ts";
import { arrange } from "./arrange.ts";
import { flowchart } from "./flowchart.ts";
import type { FlowEdge, FlowNode } from "./nodes.ts";

const nodes: FlowNode[] = [
  { name: "x", lines: ["x"] },
  {
    name: "block",
    title: "Block <1>",
    repeat: "× 3",
    nodes: [
      { name: "f", title: "net", lines: [{ text: "conv & norm", color: "blue", note: "8 → 8" }, "ReLU"] },
      { name: "sum", lines: ["+"], color: "gold" },
    ],
  },
];
const edges: FlowEdge[] = [
  { from: "x", to: "f", label: "4×4" },
  { from: "x", to: "sum", label: "4×4" },
  { from: "f", to: "sum" },
];

/** Random boxes in random frames, with arrows from earlier to later ones. */
function randomChart(seed: number): { nodes: FlowNode[]; edges: FlowEdge[] } {
  let state = seed + 1;
  const upTo = (n: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const boxes = 3 + upTo(12);
  const name = (i: number) => `b${i}`;
  const edges = Array.from({ length: boxes - 1 }, (_, i) => i + 1).flatMap((to) =>
    Array.from({ length: 1 + upTo(3) }, () => ({ from: name(upTo(to)), to: name(to), label: "8×8×16" })),
  );
  const all: FlowNode[] = Array.from({ length: boxes }, (_, i) => ({
    name: name(i),
    lines: Array.from({ length: 1 + upTo(3) }, (_, line) => "layer ".repeat(1 + upTo(3)) + line),
  }));
  const from = upTo(boxes - 2);
  const inner = all.splice(from, 2 + upTo(3));
  all.splice(from, 0, { name: "group", title: "a group", nodes: inner });
  return { nodes: all, edges };
}

describe("flowchart", () => {
  it("is an SVG without scripts and links, with its words escaped and what it shows in its title", () => {
    const svg = flowchart({ nodes, edges, title: "A & B", alt: 'a block, "three" times' }).toSvg();
    expect(svg).toMatch(/^<svg [^>]*role="img"/);
    expect(svg).toContain("<title>a block, &#34;three&#34; times</title>");
    expect(svg).toContain("conv &#38; norm");
    expect(svg).toContain("Block &#60;1&#62;");
    expect(svg).not.toMatch(/<script|href|javascript|@import|<foreignObject/i);
  });

  it("brings a line that comes from the side upright to its head", () => {
    const sides: FlowNode[] = ["a", "left", "right", "b"].map((name) => ({ name, lines: [`a wide box: ${name}`] }));
    const fork: FlowEdge[] = [
      { from: "a", to: "left" },
      { from: "a", to: "right" },
      { from: "left", to: "b" },
      { from: "right", to: "b" },
    ];
    const svg = flowchart({ nodes: sides, edges: fork }).toSvg();
    const lines = [...svg.matchAll(/<path d="(M[^"]* C[^"]*)" fill="none"/g)].map(([, path = ""]) => path);
    expect(lines).toHaveLength(4);
    for (const path of lines) {
      const [, curveEnd, end] = /C.* ([\d.]+) [\d.]+ L([\d.]+) [\d.]+$/.exec(path) ?? [];
      expect([path, curveEnd]).toEqual([path, end]);
      expect(end).toBeDefined();
    }
  });

  it("shows a PNG with alternative text, and its boxes as text", async () => {
    const chart = flowchart({ nodes, edges });
    const bundle = await chart[displaySymbol]();
    expect(Buffer.from(String(bundle["image/png"]), "base64").subarray(1, 4).toString()).toBe("PNG");
    expect(bundle["text/plain"]).toBe("x\nBlock <1> × 3\n  net: conv & norm 8 → 8, ReLU\n  +");
    expect(chart[metadataSymbol]()).toMatchObject({
      "image/png": { alt: "Flowchart: x; Block <1> × 3; net: conv & norm 8 → 8, ReLU; +" },
    });
  });

  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    "chart %i: boxes apart, within their frames, arrows downwards",
    (seed) => {
      const chart = randomChart(seed);
      const { boxes, frames, wires, width, height } = arrange(chart.nodes, chart.edges);
      const apart = (a: (typeof boxes)[number], b: (typeof boxes)[number]) =>
        a.x + a.width <= b.x + 0.01 ||
        b.x + b.width <= a.x + 0.01 ||
        a.y + a.height <= b.y + 0.01 ||
        b.y + b.height <= a.y + 0.01;
      for (const [i, box] of boxes.entries()) {
        expect(boxes.slice(i + 1).every((other) => apart(box, other))).toBe(true);
        expect(box.x >= -0.01 && box.y >= -0.01 && box.x + box.width <= width + 0.01).toBe(true);
        expect(box.y + box.height).toBeLessThanOrEqual(height + 0.01);
      }
      const [frame] = frames;
      const inner = chart.nodes.find((node) => "nodes" in node)?.nodes.map(({ name }) => name) ?? [];
      for (const { box, x, y, width: w, height: h } of boxes) {
        const isInside =
          frame !== undefined &&
          x > frame.x &&
          y > frame.y &&
          x + w < frame.x + frame.width &&
          y + h < frame.y + frame.height;
        expect(isInside, box.name).toBe(inner.includes(box.name));
      }
      // The lines of an arrow that leaves a frame which it enters again would have to go up: the frame is one box to those around it.
      for (const { points } of wires.filter(({ hasHead }) => hasHead)) {
        expect(points.length).toBeGreaterThanOrEqual(2);
      }
      const ends = new Set(chart.edges.map(({ to }) => to));
      expect(wires.filter(({ hasHead }) => hasHead).length).toBeGreaterThanOrEqual(ends.size);
    },
  );

  it("says what is wrong", () => {
    expect(() => flowchart({ nodes: [...nodes, { name: "f", lines: ["f"] }], edges: [] })).toThrow(
      'flowchart: nodes[2]: the name "f" is there twice; each is to be one box\'s',
    );
    expect(() => flowchart({ nodes, edges: [{ from: "x", to: "block" }] })).toThrow(
      'flowchart: edges[0].to is "block"; expected the name of a box',
    );
    expect(() => flowchart({ nodes, edges: [...edges, { from: "sum", to: "f" }] })).toThrow(
      'flowchart: edges: the arrow from "f" to "sum" closes a circle; a flowchart goes from top to bottom',
    );
    // @ts-expect-error no such colour
    expect(() => flowchart({ nodes: [{ name: "a", lines: ["a"], color: "red" }], edges })).toThrow(
      'flowchart: nodes[0].color is "red"; expected blue, orange, green, purple, gold, grey',
    );
  });
});
