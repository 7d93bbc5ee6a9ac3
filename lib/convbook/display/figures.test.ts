import { describe, expect, it } from "vitest";
import {
  bars,
  confusionMatrixFigure,
  curves,
  DisplayError,
  displaySymbol,
  heatmap,
  histogram,
  linkedCurves,
  plotly,
  scatter,
  vegaLite,
} from "./index.ts";
import { seriesColors, textColor } from "./theme.ts";

const figures = {
  curves: curves({
    series: { train: [3, 2, 1], "val <b>&\"'": { x: [0, 1, 2], y: new Float32Array([3, 2.5, 2]) } },
    title: "Loss </text><script>",
  }),
  smoothed: curves({ series: { loss: [3, 1, 2, 1] }, smoothing: 0.9, logX: true, logY: true }),
  scatter: scatter({
    points: [
      { x: 1, y: 2, label: "A" },
      { x: 1.01, y: 2.01, label: "B" },
      { x: 9, y: 9, label: "C" },
    ],
    title: "Points",
  }),
  bars: bars({ values: { cat: 0.9, dog: 0.1 }, horizontal: true }),
  grouped: bars({ values: { val: { a: 1, b: 2 }, test: { a: 2, b: 1 } } }),
  histogram: histogram({ values: { a: [1, 2, 2], b: new Float32Array([0, 5]) } }),
  heatmap: heatmap({
    values: [
      [1, -1],
      [0, 2],
    ],
    diverging: true,
  }),
  confusion: confusionMatrixFigure({
    matrix: [
      [5, 1],
      [2, 7],
    ],
    labels: ["cat", "dog"],
    title: "Confusion",
  }),
  linked: linkedCurves({
    panels: { loss: { train: [3, 2, 1], val: { x: [0, 2], y: [2.5, 2] } }, rate: new Map([["train", [0.1, 0.2, 0]]]) },
    title: "Linked",
    smoothing: 0.5,
  }),
  plotly: plotly([{ type: "bar", x: ["a", "b"], y: [1, 2], name: "<bars>" }], { title: "Bars" }),
};

describe.each(Object.entries(figures))("%s", (_name, figure) => {
  const bundle = figure[displaySymbol]();
  const svg = figure.toSvg();

  it("has an interactive form, a picture and words, and no HTML", () => {
    expect(Object.keys(bundle)).toEqual([
      expect.stringMatching(/^application\/vnd\.(vegalite\.v5|plotly\.v1)\+json$/),
      "image/png",
      "text/plain",
    ]);
    expect(bundle["text/plain"]).toMatch(/\w{4}/);
    expect(bundle["text/plain"]).toBe(figure.alt);
  });

  it("survives JSON unchanged", () => {
    expect(JSON.parse(JSON.stringify(bundle))).toEqual(bundle);
  });

  it("is one well-formed picture with a name, without script, with a transparent ground", () => {
    expect(svg).toMatch(/^<svg [^>]*role="img" aria-label="[^"]+"/);
    expect(svg).not.toMatch(/<script|NaN|undefined|fill="white"/i);
    const open = svg.match(/<[a-z]+(\s[^>]*[^/])?>/g)?.length;
    expect(svg.match(/<\/[a-z]+>/g)?.length).toBe(open);
  });

  it("is the same when it is drawn again", () => {
    expect(figure.toSvg()).toBe(svg);
  });
});

describe("what a figure says of itself", () => {
  it("in words", () => {
    expect(figures.curves.alt).toContain("train ends at 1 (lowest 1, highest 3)");
    expect(figures.scatter.alt).toBe('Scatter plot "Points" of y against x: A at 1, 2; B at 1.01, 2.01; C at 9, 9.');
    expect(figures.bars.alt).toBe("Bar chart: cat 0.9, dog 0.1.");
    expect(figures.histogram.alt).toContain("a: 3 values, mean 1.667, standard deviation 0.4714");
    expect(figures.confusion.alt).toBe(
      'Confusion matrix "Confusion" of 2 classes: 12 of 15 right (80 %); most often confused: dog taken for cat, 2 times.',
    );
    expect(figures.plotly.alt).toBe('Plotly figure "Bars" with 1 trace: <bars> (bar)');
  });
});

describe("curves", () => {
  const values = (figure: ReturnType<typeof curves>) =>
    (figure.spec.data as { values: { kind: string; x: number; y: number | null }[] }).values;

  it("keep every peak when they are thinned", () => {
    const y = new Float64Array(100_000);
    y[54_321] = 9;
    y[77_777] = -9;
    const points = values(curves({ series: { y }, maxPoints: 200 }));
    expect(points.length).toBeLessThanOrEqual(200);
    expect(points.find((point) => point.x === 54_321)?.y).toBe(9);
    expect(points.find((point) => point.x === 77_777)?.y).toBe(-9);
    expect(points[0]?.x).toBe(0);
    expect(points.at(-1)?.x).toBe(99_999);
    expect(points.map(({ x }) => x)).toEqual(points.map(({ x }) => x).toSorted((a, b) => a - b));
  });

  it("begin and end at the limits that are given for x, and are cut off there", () => {
    const series = { a: { x: [5, 40, 90], y: [1, 3, 2] } };
    const ticks = (figure: ReturnType<typeof curves>) =>
      [...figure.toSvg().matchAll(/<text[^>]*>(\d+)<\/text>/g)].map(([, text]) => Number(text));
    expect(ticks(curves({ series }))).toContain(0);
    expect(ticks(curves({ series, xDomain: [5, 90] }))).toEqual(expect.arrayContaining([10, 90]));
    expect(ticks(curves({ series, xDomain: [5, 90], yDomain: [1, 3] }))).not.toContain(0);
    const clips = (xDomain: [number, number]) => curves({ series, xDomain }).toSvg().includes("clip-path");
    expect([clips([5, 90]), clips([10, 50])]).toEqual([false, true]);
  });

  it("smooth as TensorBoard does, without pulling the beginning to zero", () => {
    const smoothed = values(curves({ series: { y: [1, 1, 1, 5] }, smoothing: 0.5 })).filter(
      ({ kind }) => kind === "smoothed",
    );
    // (0.5^3 + 0.5^2 + 0.5) of 1 and 0.5 of 5, over 1 - 0.5^4.
    expect(smoothed.map(({ y }) => y)).toEqual([1, 1, 1, (0.4375 + 2.5) / 0.9375]);
  });

  it("leave a gap at what is no number, and at zero on a logarithmic axis", () => {
    expect(values(curves({ series: { y: [1, Number.NaN, 0] }, logY: true })).map(({ y }) => y)).toEqual([
      1,
      null,
      null,
    ]);
  });

  it("set what they are compared with apart: grey, dashed, and not smoothed", () => {
    const figure = curves({ series: { a: [1, 2] }, references: { guessing: [0, 1] }, smoothing: 0.5 });
    expect(values(figure).map(({ kind }) => kind)).toEqual([
      "raw",
      "raw",
      "smoothed",
      "smoothed",
      "reference",
      "reference",
    ]);
    expect(figure.toSvg()).toMatch(/stroke="#8a8a8a"[^>]*stroke-dasharray="5,4"/);
    expect(figure.alt).not.toContain("guessing");
  });

  it("refuse what they cannot draw", () => {
    expect(() => curves({ series: {} })).toThrow(
      "curves: series is empty; expected at least one, as {name: [numbers]}",
    );
    expect(() => curves({ series: { a: { x: [1], y: [1, 2] } } })).toThrow(
      'curves: series "a" has 1 x values and 2 y values',
    );
    expect(() => curves({ series: { a: [1] }, smoothing: 1 })).toThrow(
      "smoothing is 1; expected a number from 0 up to, not including, 1",
    );
  });
});

describe("two labels beside one another", () => {
  it("go to different sides", () => {
    const rows = (figures.scatter.spec.data as { values: { side: number }[] }).values;
    expect(new Set(rows.slice(0, 2).map(({ side }) => side)).size).toBe(2);
  });
});

describe("histogram", () => {
  it("counts each value once, the highest too", () => {
    const rows = (histogram({ values: [0, 0, 0.5, 1], bins: 2 }).spec.data as { values: { count: number }[] }).values;
    expect(rows.map(({ count }) => count)).toEqual([2, 2]);
    const same = (histogram({ values: [3, 3], bins: 4 }).spec.data as { values: { count: number }[] }).values;
    expect(same.map(({ count }) => count)).toEqual([0, 0, 2, 0]);
  });
  it("refuses nothing at all", () => {
    expect(() => histogram({ values: [Number.NaN] })).toThrow("histogram: there are no finite values");
    expect(() => histogram({ values: [1], bins: 0 })).toThrow("histogram: bins is 0; expected a positive integer");
  });
});

describe("matrices", () => {
  it("refuse rows and labels that do not fit", () => {
    expect(() => heatmap({ values: [[1, 2], [1]] })).toThrow("heatmap: values[1] has 1 numbers; expected 2");
    expect(() => heatmap({ values: [[1]], xLabels: ["a", "b"] })).toThrow("heatmap: xLabels has 2 names for 1 cells");
    expect(() => confusionMatrixFigure({ matrix: [[1, 2]] })).toThrow(
      "confusionMatrixFigure: matrix: row 0 has 2 numbers; expected 1 (a square matrix)",
    );
  });
});

describe("vegaLite", () => {
  it("fetches nothing and says what Vega-Lite objects to", () => {
    expect(() => vegaLite({ data: { url: "http://127.0.0.1/x.csv" }, mark: "bar" })).toThrow(
      'vegaLite: data.url "http://127.0.0.1/x.csv" would have to be fetched by every reader; read it first and pass data.values',
    );
    expect(() => vegaLite({ layer: [{ data: { url: "/etc/passwd" }, mark: "bar" }] })).toThrow(DisplayError);
    expect(() => vegaLite({ data: { values: [] } }).toSvg()).toThrow(
      /^Vega-Lite could not draw the figure: Invalid specification/,
    );
  });

  it("gives the ids of each picture a prefix of its own", () => {
    const clipped = curves({ series: { a: [1, 2] }, yDomain: [1, 1.5] }).toSvg();
    const ids = [...clipped.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) {
      expect(id).toMatch(/^f[0-9a-f]{8}-/);
    }
    for (const [, id] of clipped.matchAll(/url\(#([^)]+)\)/g)) {
      expect(ids).toContain(id);
    }
  });

  it("lets a specification overrule the theme", () => {
    const spec = vegaLite({ data: { values: [{ x: 1 }] }, mark: "bar", config: { axis: { labelColor: "red" } } }).spec;
    expect((spec.config as { axis: { labelColor: string; titleColor: string } }).axis).toMatchObject({
      labelColor: "red",
      titleColor: textColor,
    });
  });
});

describe("linked curves", () => {
  const { data, layout } = figures.linked;
  const named = (trace: { readonly [key: string]: unknown }) => trace.showlegend === true;

  it("answer to one pointer: subplots on one x axis", () => {
    expect(layout).toMatchObject({ hovermode: "x unified", hoversubplots: "axis" });
    expect([...new Set(data.map(({ xaxis, yaxis }) => `${xaxis} ${yaxis}`))]).toEqual(["x y", "x y2"]);
    expect(layout.xaxis).toMatchObject({ anchor: "y2", showspikes: true, spikemode: "across" });
    const [above, below] = [layout.yaxis, layout.yaxis2] as unknown as { domain: [number, number] }[];
    expect(above?.domain[1]).toBe(1);
    expect(below?.domain[0]).toBeCloseTo(0, 9);
    expect(above?.domain[0]).toBeGreaterThan(below?.domain[1] ?? 1);
  });

  it("say what is pointed at, the raw curves behind smoothed ones not", () => {
    expect(data.filter(({ hoverinfo }) => hoverinfo !== "skip").map(({ hovertemplate }) => hovertemplate)).toEqual([
      "loss, train: %{y:.4~g}<extra></extra>",
      "loss, val: %{y:.4~g}<extra></extra>",
      "rate, train: %{y:.4~g}<extra></extra>",
    ]);
    const single = linkedCurves({ panels: { "<a>%{y}": { run: [1] }, b: { run: [2] } } });
    expect(single.data.map(({ hovertemplate }) => hovertemplate)).toEqual([
      "&lt;a&gt;%\u200b{y}: %{y:.4~g}<extra></extra>",
      "b: %{y:.4~g}<extra></extra>",
    ]);
  });

  it("show a value that is the only one of its curve, as after one epoch", () => {
    const figure = linkedCurves({ panels: { loss: { train: [3, 2] }, accuracy: { val: { x: [1], y: [0.5] } } } });
    expect(figure.data.map(({ mode }) => mode)).toEqual(["lines", "lines+markers"]);
    expect(figure.toSvg().match(/<path transform="translate[^>]* d="M[^"]*A/g)).toHaveLength(1);
  });

  it("have one colour and one entry of the legend a name, and smoothed values", () => {
    expect(data.filter(named).map(({ name }) => name)).toEqual(["train", "val"]);
    const colors = data.map(({ name, line }) => `${name} ${(line as { color: string }).color}`);
    expect(new Set(colors)).toEqual(new Set([`train ${seriesColors[0]}`, `val ${seriesColors[1]}`]));
    // (0.5 of 3 and 0.25 of 2, over 0.75), and so on, as TensorBoard smooths.
    const [, smoothed] = data;
    expect(smoothed?.y).toEqual([3, (0.25 * 3 + 0.5 * 2) / 0.75, (0.125 * 3 + 0.25 * 2 + 0.5 * 1) / 0.875]);
  });

  it("are described, and refuse what they are not", () => {
    expect(figures.linked.alt).toBe(
      'Linked line charts "Linked" over step. loss: train ends at 1 (lowest 1, highest 3); val ends at 2 (lowest 2, highest 2.5). rate: train ends at 0 (lowest 0, highest 0.2).',
    );
    expect(() => linkedCurves({ panels: {} })).toThrow("linkedCurves: panels is empty; expected at least one");
    expect(() => linkedCurves({ panels: { a: {} } })).toThrow('linkedCurves: panels "a" is empty');
    expect(() => linkedCurves({ panels: { a: { b: 5 as never } } })).toThrow(
      'linkedCurves: panels "a": "b" is 5; expected an array of numbers, or {x, y}',
    );
    expect(() => linkedCurves({ panels: { a: { b: [1] } }, maxPoints: 1 })).toThrow(
      "linkedCurves: maxPoints is 1; expected a whole number of at least 4",
    );
  });

  it("leave a gap where a logarithm is none", () => {
    const figure = linkedCurves({ panels: { a: { b: [1, 0, -1, 2] } }, logY: true });
    expect(figure.data[0]?.y).toEqual([1, null, null, 2]);
    expect(figure.layout.yaxis).toMatchObject({ type: "log" });
  });

  it("are a picture of their panels, one above the other, the x axis named once", () => {
    const svg = figures.linked.toSvg();
    for (const [text, times] of [
      ["Linked", 1],
      ["step", 1],
      ["loss", 1],
      ["rate", 1],
      ["val", 1],
    ] as const) {
      expect(svg.split(`>${text}</text>`).length - 1, text).toBe(times);
    }
    expect(svg.match(/aria-roledescription="line mark container"/g)).toHaveLength(6);
  });
});

describe("plotly", () => {
  it("draws panels side by side and on axes that lie over others in one", () => {
    const panels = plotly(
      [
        { y: [1, 2], name: "left" },
        { y: [3, 4], name: "right", xaxis: "x2", yaxis: "y2" },
        { y: [500, 600], name: "over", yaxis: "y3" },
      ],
      {
        xaxis: { domain: [0, 0.45], title: "a" },
        xaxis2: { domain: [0.55, 1], anchor: "y2", title: "b" },
        yaxis2: { anchor: "x2", title: { text: "second" } },
        yaxis3: { overlaying: "y" },
      },
    );
    const svg = panels.toSvg();
    const x = (text: string) => {
      const [, at] = new RegExp(`translate\\(([-\\d.]+),[-\\d.]+\\)[^>]*>${text}</text>`).exec(svg) ?? [];
      return Number(at);
    };
    expect(svg.match(/class="mark-line[^"]*"/g)).toHaveLength(3);
    for (const text of ["a", "b", "second", "left", "over"]) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(Number.isFinite(x("a"))).toBe(true);
    // Their axes look like the first ones.
    expect((panels.layout.xaxis2 as { gridcolor: string }).gridcolor).toBe(
      (panels.layout.xaxis as { gridcolor: string }).gridcolor,
    );
  });

  const kinds = {
    scatter: [{ type: "scatter", mode: "lines+markers+text", x: [1, 2], y: [1, 2], text: ["a", "b"] }],
    line: [{ y: Float32Array.of(1, 2, 3) }],
    bar: [
      { type: "bar", x: ["a"], y: [1] },
      { type: "bar", x: ["a"], y: [2] },
    ],
    horizontal: [{ type: "bar", orientation: "h", y: ["a"], x: [1] }],
    histogram: [{ type: "histogram", x: [1, 2, 2, 3] }],
    heatmap: [
      {
        type: "heatmap",
        z: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    box: [{ type: "box", y: [1, 2, 3, 4, 10], name: "one" }],
  };
  it.each(Object.entries(kinds))("draws %s", (_name, traces) => {
    const svg = plotly(traces, { title: { text: "Title" } }).toSvg();
    expect(svg).toContain(">Title</text>");
    expect(svg).not.toContain("is drawn by an interactive page only");
    expect(svg.match(/<(path|rect|text)/g)?.length).toBeGreaterThan(8);
  });

  it("names the traces that it cannot draw", () => {
    const svg = plotly([{ type: "surface", name: "<loss>", z: [[1]] }]).toSvg();
    expect(svg).toContain("This Plotly figure is drawn by an interactive page only.");
    expect(svg).toContain("&#60;loss&#62;: surface");
  });

  it("refuses what are no traces", () => {
    expect(() => plotly("x" as never)).toThrow('plotly: data is "x"; expected an array of traces');
    expect(() => plotly([null as never])).toThrow("plotly: data[0] is null; expected a trace: an object");
  });
});

describe("colours", () => {
  const luminance = (hex: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string): number => {
    const [low, high] = [luminance(a), luminance(b)].toSorted((x, y) => x - y) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };
  it("stand out on white and on JupyterLab's dark ground (WCAG: 3 for graphics, text 4)", () => {
    for (const ground of ["#ffffff", "#111111"]) {
      for (const color of seriesColors) {
        expect(contrast(color, ground), `${color} on ${ground}`).toBeGreaterThan(2.9);
      }
      expect(contrast(textColor, ground)).toBeGreaterThan(4);
    }
  });
});
