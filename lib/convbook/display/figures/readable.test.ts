/** What figures do so that people can read them: many series, logarithmic axes, a hundred classes, other scripts. */
import { describe, expect, it } from "vitest";
import { LossSurface } from "../../interpret/loss-surface.ts";
import { LrFinderResult } from "../../training/lr-finder.ts";
import {
  bars,
  confusionMatrixFigure,
  curves,
  displaySymbol,
  heatmap,
  histogram,
  imageGrid,
  metadataSymbol,
  scatter,
} from "../index.ts";
import { vegaLiteMime } from "../vega-lite.ts";

const twelve = Array.from({ length: 12 }, (_, i) => `run ${i + 1}`);

/** The markers of a figure's SVG as "outline, filling, shape", each once. */
function markers(svg: string): string[] {
  const found = [...svg.matchAll(/<path[^>]*transform="translate[^>]*>/g)].map(([path]) => {
    const part = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(path)?.[1];
    // Sizes differ between the legend and the figure; the letters and the signs of a path are its shape.
    const shape = (part("d") ?? "").replace(/[\d.]+(e-?\d+)?/g, "");
    return `${part("stroke")}, ${part("fill")}, ${shape}`;
  });
  return [...new Set(found)];
}

describe("twelve series", () => {
  it("of curves are told apart by shape, filling and dashes, without colour", () => {
    const series = Object.fromEntries(twelve.map((name, i) => [name, [i, i + 1, i + 3]]));
    const svg = curves({ series }).toSvg();
    expect(svg.match(/stroke-dasharray="7,3"/g)).toHaveLength(4);
    const withoutColor = new Set(markers(svg).map((marker) => marker.replace(/#[0-9a-f]{6}/g, "colour")));
    expect(withoutColor.size).toBe(12);
    expect(curves({ series: { a: [1, 2], b: [2, 1] } }).toSvg()).not.toContain("stroke-dasharray");
  });

  it("of points and of bars are told apart, too", () => {
    const points = twelve.map((series, i) => ({ x: i, y: i, series }));
    const withoutColor = new Set(
      markers(scatter({ points }).toSvg()).map((marker) => marker.replace(/#[0-9a-f]{6}/g, "colour")),
    );
    expect(withoutColor.size).toBe(12);
    const svg = bars({ values: Object.fromEntries(twelve.map((name, i) => [name, { a: i + 1 }])) }).toSvg();
    const paths = [...svg.matchAll(/<path[^>]*stroke="(#[0-9a-f]{6})"[^>]*>/g)];
    const looks = new Set(paths.map(([path, stroke]) => `${stroke} ${path.includes(`fill="${stroke}"`)}`));
    expect(looks.size).toBe(12);
    const sets = histogram({
      values: Object.fromEntries(twelve.map((name, i) => [name, [i, i + 1]])),
      bins: 4,
    }).toSvg();
    const outlines = [...sets.matchAll(/<path[^>]*stroke="(#[0-9a-f]{6})"[^>]*>/g)];
    expect(new Set(outlines.map(([path, stroke]) => `${stroke} ${path.includes(`fill="${stroke}"`)}`)).size).toBe(12);
  });
});

describe("a logarithmic axis", () => {
  const labelsOf = (numbers: number[], options = {}): string[] => {
    const figure = curves({ series: { a: { x: numbers, y: numbers } }, logX: true, ...options });
    const { layer } = figure.spec as unknown as { layer: { encoding: { x: { axis: { labelExpr: string } } } }[] };
    return JSON.parse(/^\[[^\]]*\]/.exec(layer[0]?.encoding.x.axis.labelExpr ?? "[]")?.[0] ?? "[]");
  };

  it.each<[number[], string]>([
    [[1e-6, 1], "10⁻⁶ 10⁻⁵ 10⁻⁴ 10⁻³ 10⁻² 10⁻¹ 10⁰"],
    [[0.001, 30], "0.001 0.01 0.1 1 10"],
    [[1, 50_000], "1 10 100 1,000 10,000"],
    [[100, 800], "100 200 300 400 500 600 700 800"],
    [[2, 300], "2 5 10 20 50 100 200"],
    [[1, 1e20], "10² 10⁵ 10⁸ 10¹¹ 10¹⁴ 10¹⁷ 10²⁰"],
    [[2e-6, 9e-6], "2×10⁻⁶ 3×10⁻⁶ 4×10⁻⁶ 5×10⁻⁶ 6×10⁻⁶ 7×10⁻⁶ 8×10⁻⁶ 9×10⁻⁶"],
  ])("from %j has ticks as people write them", (numbers, expected) => {
    expect(labelsOf(numbers).join(" ")).toBe(expected);
    const svg = curves({ series: { a: { x: numbers, y: [1, 2] } }, logX: true }).toSvg();
    const [first = ""] = expected.split(" ");
    expect(svg).toContain(`>${first}</text>`);
  });

  it.each([[[0.9, 1.3]], [[3, 3]], [[1e-300, 1e300]], [[5, 5.0001]], [[0, -1]], [[Number.NaN]]])(
    "is drawn of whatever it is given: %j",
    (numbers) => {
      for (const options of [{ logX: true }, { logY: true }]) {
        expect(curves({ series: { a: { x: numbers, y: numbers } }, ...options }).toSvg()).toContain("<svg");
      }
    },
  );
});

describe("a hundred classes", () => {
  const classes = Array.from({ length: 100 }, (_, i) => `aquarium_fish_${i}`);

  it("have their names at their bars and cells, and few bytes", () => {
    const counts = bars({ values: Object.fromEntries(classes.map((name, i) => [name, 400 + i])) });
    const matrix = classes.map((_, r) => classes.map((_name, c) => (r === c ? 90 : (r + c) % 3)));
    const confusion = confusionMatrixFigure({ matrix, labels: classes });
    for (const [figure, times] of [
      [counts, 1],
      [confusion, 2],
    ] as const) {
      const svg = figure.toSvg();
      for (const name of classes) {
        expect([name, svg.split(`>${name}<`).length - 1]).toEqual([name, times]);
      }
    }
    expect(JSON.stringify(counts[displaySymbol]()[vegaLiteMime]).length).toBeLessThan(12_000);
    // 10,000 cells; an object each took more than a megabyte.
    expect(JSON.stringify(confusion[displaySymbol]()[vegaLiteMime]).length).toBeLessThan(120_000);
  });

  it("are in the cells that their numbers belong to", () => {
    const values = Array.from({ length: 20 }, (_, r) => Array.from({ length: 30 }, (_c, c) => r * 100 + c));
    const svg = heatmap({ values }).toSvg();
    // Cells in the order of rows, each darker than the one before it; the tooltip's names come from the same place.
    const fills = [...svg.matchAll(/<path[^>]*fill="(rgb\([^"]*\))"/g)].map(([, fill]) => fill);
    expect(fills).toHaveLength(600);
    expect(fills[0]).toBe("rgb(241, 246, 251)");
    expect(fills[599]).toBe("rgb(8, 48, 107)");
  });
});

it("a heat map's rows go upwards where they are places along an axis", () => {
  const place = (svg: string, label: string) =>
    Number(new RegExp(`translate\\([-\\d.]+,([\\d.]+)\\)[^>]*>${label}<`).exec(svg)?.[1]);
  const options = { values: [[1], [2]], yLabels: ["first", "second"], annotate: false };
  const up = heatmap({ ...options, yUp: true }).toSvg();
  const down = heatmap(options).toSvg();
  expect(place(up, "first")).toBeGreaterThan(place(up, "second"));
  expect(place(down, "first")).toBeLessThan(place(down, "second"));
});

it("the range test's figure is shown in its size, with what it says in words", () => {
  const lrs = Array.from({ length: 60 }, (_, i) => 10 ** (-6 + i / 10));
  const result = new LrFinderResult(
    lrs,
    lrs.map((lr) => 2 - Math.log10(1 + 100 * lr)),
  );
  const { width, height, alt } = result[metadataSymbol]()["image/png"] as Record<string, unknown>;
  expect([width, height].every((side) => Number(side) > 200 && Number(side) < 700)).toBe(true);
  expect(alt).toContain("of loss over learning rate");
});

describe("a loss surface", () => {
  const places = [-1, 0, 1];
  const losses = places.map((beta) => Float32Array.from(places, (alpha) => 1 + alpha ** 2 + 9 * (beta + 1)));
  const surface = new LossSurface(places, places, losses);

  it("has its second direction upwards", () => {
    const svg = surface.toFigure().toSvg();
    const place = (label: string) =>
      Number(
        new RegExp(`text-anchor="end" transform="translate\\([-\\d.]+,([\\d.]+)\\)[^>]*>${label}<`).exec(svg)?.[1],
      );
    expect(place("-1")).toBeGreaterThan(place("1"));
  });

  it("has the height and the colours of those that it is compared with", () => {
    const { data, layout } = surface.toSurface({ domain: [1, 100] });
    expect(data[0]).toMatchObject({ cmin: 0, cmax: 2 });
    expect(layout).toMatchObject({ scene: { zaxis: { range: [0, 2] } } });
    expect(surface.toSurface().layout).not.toHaveProperty("scene.zaxis.range");
  });

  it("is drawn by the loss itself where the limits are close, by its logarithm where they are not", () => {
    const { data, layout } = surface.toSurface({ domain: [2, 20] });
    expect(data[0]).toMatchObject({ cmin: 2, cmax: 20, colorbar: { title: { text: "loss" } } });
    expect((data[0] as { z: number[][] }).z[2]?.[0]).toBe(20);
    expect(layout).toMatchObject({ scene: { zaxis: { title: { text: "loss" }, range: [2, 20] } } });
    expect(surface.toFigure({ domain: [2, 20] }).toSvg()).toMatch(/>loss</);
    expect(surface.toFigure({ domain: [1, 20] }).toSvg()).toMatch(/>log₁₀ loss</);
  });

  it("stands in three dimensions where Plotly is, and is the heat map elsewhere", () => {
    const figure = surface.toSurface({ title: "Around" });
    const [trace] = figure.data as { type: string; z: number[][]; x: number[] }[];
    expect([trace?.type, trace?.x]).toEqual(["surface", places]);
    expect(trace?.z[2]?.[0]).toBeCloseTo(Math.log10(20), 6);
    expect(figure.toSvg()).toBe(surface.toFigure({ title: "Around" }).toSvg());
    expect(figure.alt).toContain("of the loss around the weights: 10.0 in the middle");
    expect(() => new LossSurface(places, [0], losses.slice(0, 1)).toSurface()).toThrow(
      "LossSurface.toSurface: there is one direction; expected two (toFigure draws a curve)",
    );
  });
});

describe("a bar of colours under pictures", () => {
  const colorScale = { colors: ["#000000", "#ffffff"], low: -0.5, high: 0.5, label: "weight" };
  const picture = { shape: [2, 2, 1], data: new Uint8Array(4) };

  it("names its ends and what is measured", () => {
    const svg = imageGrid(picture, { colorScale }).toSvg();
    for (const text of ["-0.5", "0.5", "weight", 'fill="#000000"', 'fill="#ffffff"']) {
      expect(svg).toContain(text);
    }
    const plain = imageGrid(picture, {});
    const height = (text: string) => Number(/height="(\d+)"/.exec(text)?.[1]);
    expect(height(svg)).toBeGreaterThan(height(plain.toSvg()));
  });

  it.each([
    [
      { ...colorScale, colors: ["red", "blue"] },
      "imageGrid: colorScale.colors: expected at least two colours as #rrggbb",
    ],
    [{ ...colorScale, low: Number.NaN }, "colorScale"],
    [5, "colorScale"],
  ])("is checked: %j", (wrong, message) => {
    expect(() => imageGrid(picture, { colorScale: wrong as typeof colorScale })).toThrow(message);
  });
});

describe("what is compared with", () => {
  const series = { a: [1, 2, 3] };
  const references = { low: { x: [0, 2], y: [1, 1] }, high: { x: [0, 2], y: [2, 2] } };

  it("is dashed in the legend as in the figure, each its own way", () => {
    const svg = curves({ series, references }).toSvg();
    for (const dash of ["5,4", "2,2"]) {
      // Once in the figure, once in the legend.
      expect(svg.split(`stroke-dasharray="${dash}"`).length - 1).toBe(2);
    }
    expect(curves({ series }).toSvg()).not.toContain("stroke-dasharray");
  });

  it("leaves markers at the border whole, unless something lies outside of the limits", () => {
    const isCut = (yDomain: [number, number]) => /clip-path/.test(curves({ series, yDomain }).toSvg());
    expect([isCut([0, 4]), isCut([0, 2])]).toEqual([false, true]);
  });
});

it("a name does not lie on another point, on a logarithmic axis neither", () => {
  // The middle of the axis from 1 to 50: what the points alone would be spread over is wider.
  const points = [
    { x: 1.8, y: 0, label: "first" },
    { x: 4.23, y: 5, label: "a long name at a point" },
    { x: 11, y: 5, label: "its neighbour" },
    { x: 22.7, y: 10, label: "last" },
  ];
  const { data } = scatter({ points, xLabel: "x", yLabel: "y", logX: true, width: 480, height: 300 }).spec as never as {
    data: { values: { label: string; side: number }[] };
  };
  expect(data.values[1]?.side).not.toBe(0);
});
