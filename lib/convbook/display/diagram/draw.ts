/** A flowchart's places as SVG. */
import { escapeXml, textWidth } from "../text.ts";
import { fontFamily, lineColor, seriesColors, textColor } from "../theme.ts";
import {
  type Arrangement,
  type DrawnBox,
  type DrawnFrame,
  type DrawnWire,
  fontSize,
  headerHeight,
  isRound,
  lineHeight,
  pileStep,
  smallSize,
  titleHeight,
} from "./arrange.ts";
import type { FlowColor } from "./nodes.ts";
import { sure } from "./sure.ts";

/** Opaque and light, with dark text: they can be read on light and on dark pages. */
const fills: Readonly<Record<FlowColor, string>> = {
  blue: "#d4e5f5",
  orange: "#fbe0cd",
  green: "#d0eee4",
  purple: "#e9def7",
  gold: "#f5eabb",
  grey: "#e8e8e8",
};
const strokes: Readonly<Record<FlowColor, string>> = {
  blue: sure(seriesColors[0]),
  orange: sure(seriesColors[1]),
  green: sure(seriesColors[2]),
  purple: sure(seriesColors[6]),
  gold: sure(seriesColors[4]),
  grey: sure(seriesColors[7]),
};
const inkColor = "#1f2328";
const noteColor = "#4a5058";
const headerColor = "#dfe3e8";
const margin = 8;
const n = (value: number): string => String(Math.round(value * 10) / 10);

/** The names of all colours. */
export const flowColors = Object.keys(fills) as FlowColor[];

/**
 * @param title what stands above, and what a screen reader reads first
 * @param alt what is to be seen
 */
export function drawFlowchart(arrangement: Arrangement, title: string | undefined, alt: string): string {
  const top = title === undefined ? 0 : 26;
  const titleWidth = title === undefined ? 0 : 1.15 * textWidth(title, 14); // bold
  const width = Math.ceil(Math.max(arrangement.width, titleWidth) + 2 * margin);
  const height = Math.ceil(arrangement.height + top + 2 * margin);
  const left = (width - arrangement.width) / 2;
  const heading =
    title === undefined
      ? ""
      : `<text x="${margin}" y="20" font-size="14" font-weight="600" fill="${textColor}">${escapeXml(title)}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="${escapeXml(fontFamily)}" font-size="${fontSize}">`,
    `<title>${escapeXml(alt)}</title>`,
    heading,
    `<g transform="translate(${n(left)} ${n(top + margin)})">`,
    ...arrangement.frames.map(frame),
    ...arrangement.wires.map(wire),
    ...arrangement.boxes.map(box),
    ...arrangement.wires.map(label),
    "</g></svg>",
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function rectangle(x: number, y: number, width: number, height: number, look: string, radius = 5): string {
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${radius}" ${look}/>`;
}

function text(x: number, y: number, content: string, look: string): string {
  return `<text x="${n(x)}" y="${n(y)}" ${look}>${escapeXml(content)}</text>`;
}

function frame({ group, x, y, width, height }: DrawnFrame): string {
  const border = `fill="none" stroke="${lineColor}"`;
  const sheets =
    group.repeat === undefined
      ? []
      : [2, 1].map((i) => {
          const [dx, dy] = [x + i * pileStep, y + i * pileStep];
          // Only what looks out from under the sheet above.
          const points = [
            `M${n(dx + width - pileStep)} ${n(dy)}`,
            `q${pileStep} 0 ${pileStep} ${pileStep}`,
            `V${n(dy + height - 4)}`,
            "q0 4 -4 4",
            `H${n(dx + 4)}`,
            `q-4 0 -4 -${pileStep}`,
          ];
          return `<path d="${points.join(" ")}" ${border}/>`;
        });
  const repeat =
    group.repeat === undefined
      ? ""
      : text(x + width - 10, y + 16, group.repeat, `text-anchor="end" font-weight="600" fill="${inkColor}"`);
  return [
    ...sheets,
    rectangle(x, y, width, height, `fill="rgba(128,128,128,0.07)" stroke="${lineColor}"`),
    `<path d="M${n(x)} ${n(y + headerHeight)} V${n(y + 5)} q0 -5 5 -5 H${n(x + width - 5)} q5 0 5 5 V${n(y + headerHeight)} Z" fill="${headerColor}" stroke="${lineColor}"/>`,
    text(x + 10, y + 16, group.title, `fill="${inkColor}"`),
    repeat,
  ].join("");
}

function box({ box: { lines, title, color: own = "grey", ...whole }, x, y, width, height }: DrawnBox): string {
  const rows = lines.map((line) => (typeof line === "string" ? { text: line } : line));
  const colors = rows.map(({ color = own }) => color);
  const [first = own] = colors;
  if (isRound({ ...whole, lines })) {
    const look = `fill="${fills[first]}" stroke="${strokes[first]}"`;
    const [cx, cy] = [x + width / 2, y + height / 2];
    return [
      `<circle cx="${n(cx)}" cy="${n(cy)}" r="${n(width / 2)}" ${look}/>`,
      text(cx, cy + 5, rows[0]?.text ?? "", `text-anchor="middle" font-size="15" fill="${inkColor}"`),
    ].join("");
  }
  const head = title === undefined ? 0 : titleHeight;
  const above = title === undefined ? "" : text(x + 2, y + 13, title, `font-size="${smallSize}" fill="${textColor}"`);
  const body = rows.map(({ text: content, note }, i) => {
    const color = sure(colors[i]);
    const from = y + head + i * lineHeight;
    const isFirst = i === 0;
    const isLast = i === rows.length - 1;
    const words =
      note === undefined
        ? text(x + width / 2, from + 15, content, `text-anchor="middle" fill="${inkColor}"`)
        : [
            text(x + 10, from + 15, content, `fill="${inkColor}"`),
            text(x + width - 8, from + 15, note, `text-anchor="end" font-size="${smallSize}" fill="${noteColor}"`),
          ].join("");
    return `<path d="${rowPath(x, from, width, isFirst, isLast)}" fill="${fills[color]}" stroke="${strokes[color]}"/>${words}`;
  });
  return above + body.join("");
}

/** A row of a box, round where the box is. */
function rowPath(x: number, y: number, width: number, isFirst: boolean, isLast: boolean): string {
  const [a, b] = [isFirst ? 4 : 0, isLast ? 4 : 0];
  const arc = (r: number, dx: number, dy: number) => (r === 0 ? "" : `a${r} ${r} 0 0 1 ${dx * r} ${dy * r}`);
  return [
    `M${n(x + a)} ${n(y)}`,
    `H${n(x + width - a)}`,
    arc(a, 1, 1),
    `V${n(y + lineHeight - b)}`,
    arc(b, -1, 1),
    `H${n(x + b)}`,
    arc(b, -1, -1),
    `V${n(y + a)}`,
    arc(a, 1, -1),
    "Z",
  ].join(" ");
}

/** How far a line goes straight on, beside its label. */
const straight = 13;

/** How far a line goes straight down before its head. */
const beforeTheHead = 7;

/** Upright pieces with curves between them. */
function wire({ points, hasHead, isLabelLast, isBesideLabel }: DrawnWire): string {
  const [start, end] = [sure(points[0]), sure(points.at(-1))];
  const path = hasHead ? [...points.slice(0, -1), { x: end.x, y: end.y - 5 }] : [...points];
  const second = sure(path[1]);
  if (isBesideLabel && second.y - start.y < straight) {
    path[1] = { x: second.x, y: start.y + straight };
  }
  if (isLabelLast && hasHead) {
    const last = path.length - 2;
    const { x, y } = sure(path[last]);
    path[last] = { x, y: Math.min(y, end.y - 16) };
  }
  // A line that comes from the side goes down for a bit before its head, where there is room, so that the head sits on it.
  const [beforeHead, atHead] = [sure(path.at(-2)), sure(path.at(-1))];
  if (hasHead && Math.abs(beforeHead.x - end.x) >= 0.6 && atHead.y - beforeHead.y > 3 * beforeTheHead) {
    path.splice(-1, 0, { x: end.x, y: atHead.y - beforeTheHead });
  }
  const parts = path.map(({ x, y }, i) => {
    const before = path[i - 1];
    if (before === undefined) {
      return `M${n(x)} ${n(y)}`;
    }
    if (Math.abs(before.x - x) < 0.6) {
      return `L${n(x)} ${n(y)}`;
    }
    const middle = (before.y + y) / 2;
    return `C${n(before.x)} ${n(middle)} ${n(x)} ${n(middle)} ${n(x)} ${n(y)}`;
  });
  const head = hasHead ? `<path d="M${n(end.x)} ${n(end.y)} l-4 -8 h8 Z" fill="${lineColor}"/>` : "";
  return `<path d="${parts.join(" ")}" fill="none" stroke="${lineColor}" stroke-width="1.4"/>${head}`;
}

function label({ points, label: content, isLabelLast }: DrawnWire): string {
  const [start, end] = [points[0], points.at(-1)];
  if (content === undefined || start === undefined || end === undefined) {
    return "";
  }
  const look = `font-size="${smallSize}" fill="${textColor}"`;
  return isLabelLast ? text(end.x + 6, end.y - 4, content, look) : text(start.x + 5, start.y + 12, content, look);
}
