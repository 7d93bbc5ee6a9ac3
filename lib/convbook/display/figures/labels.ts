/** Where the names of points go, so that they do not lie on one another. */
import { textWidth } from "../text.ts";

export interface LabelSide {
  readonly align: "left" | "right" | "center";
  readonly baseline: "middle" | "top" | "bottom";
  readonly dx: number;
  readonly dy: number;
}

export const labelSize = 12;

/** In order of liking. */
export const labelSides: readonly [LabelSide, ...LabelSide[]] = [
  { align: "left", baseline: "middle", dx: 9, dy: 0 },
  { align: "right", baseline: "middle", dx: -9, dy: 0 },
  { align: "center", baseline: "bottom", dx: 0, dy: -8 },
  { align: "center", baseline: "top", dx: 0, dy: 8 },
  { align: "left", baseline: "bottom", dx: 7, dy: -6 },
  { align: "left", baseline: "top", dx: 7, dy: 6 },
  { align: "right", baseline: "bottom", dx: -7, dy: -6 },
  { align: "right", baseline: "top", dx: -7, dy: 6 },
];

/** Pixels between an axis' ends and those of its values. */
export const scalePadding = 24;

/** How an axis places its values, and its limits where they are known. */
export interface Scale {
  readonly log: boolean;
  readonly domain?: readonly [low: number, high: number] | undefined;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/**
 * For each point the index in {@link labelSides} of the side where its label covers least of other points, of labels placed before it, and of what is
 * outside of the figure.
 */
export function placeLabels(
  points: readonly { readonly x: number; readonly y: number; readonly label?: string }[],
  area: { readonly width: number; readonly height: number; readonly x: Scale; readonly y: Scale },
): number[] {
  const xs = pixels(
    points.map(({ x }) => x),
    area.width,
    area.x,
  );
  const ys = pixels(
    points.map(({ y }) => y),
    area.height,
    area.y,
  ).map((y) => area.height - y);
  const dots = xs.map((x, i): Box => around(x, ys[i] ?? 0, 6));
  const placed: Box[] = [];
  return points.map(({ label = "" }, i) => {
    if (label === "") {
      return 0;
    }
    const width = textWidth(label, labelSize);
    let best = { side: 0, cost: Number.POSITIVE_INFINITY, box: around(xs[i] ?? 0, ys[i] ?? 0, 6) };
    labelSides.forEach((side, index) => {
      const box = labelBox(xs[i] ?? 0, ys[i] ?? 0, width, side);
      let cost = index * 0.5 + outside(box, area);
      dots.forEach((dot, other) => {
        if (other !== i) {
          cost += overlap(box, dot);
        }
      });
      for (const other of placed) {
        cost += overlap(box, other);
      }
      if (cost < best.cost) {
        best = { side: index, cost, box };
      }
    });
    placed.push(best.box);
    return best.side;
  });
}

/** Positions as the axes will give them: exactly where their ends are known, else about, since they are rounded out by some pixels. */
function pixels(values: readonly number[], length: number, { log, domain }: Scale): number[] {
  const of = log ? Math.log : Number;
  const scaled = values.map(of);
  const low = domain ? of(domain[0]) : Math.min(...scaled);
  const span = (domain ? of(domain[1]) : Math.max(...scaled)) - low || 1;
  const margin = domain ? scalePadding : scalePadding + 6;
  return scaled.map((value) => margin + ((value - low) / span) * (length - 2 * margin));
}

function around(x: number, y: number, radius: number): Box {
  return { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
}

function labelBox(x: number, y: number, width: number, { align, baseline, dx, dy }: LabelSide): Box {
  const left = x + dx - (align === "left" ? 0 : align === "right" ? width : width / 2);
  const top = y + dy - (baseline === "top" ? 0 : baseline === "bottom" ? labelSize : labelSize / 2);
  return { left, right: left + width, top, bottom: top + labelSize };
}

function overlap(a: Box, b: Box): number {
  const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return x > 0 && y > 0 ? x * y : 0;
}

function outside(box: Box, area: { readonly width: number; readonly height: number }): number {
  const x = Math.max(0, -box.left) + Math.max(0, box.right - area.width - 20);
  const y = Math.max(0, -box.top) + Math.max(0, box.bottom - area.height);
  return (x + y) * labelSize;
}
