/** From boxes in frames to places: each frame is laid out by itself, and is a box to the frame around it. */
import { textWidth } from "../text.ts";
import { type Line, layOut, type Point, rowGap } from "./layers.ts";
import { type FlowBox, type FlowEdge, type FlowGroup, type FlowNode, isGroup } from "./nodes.ts";
import { sure } from "./sure.ts";

export const lineHeight = 21;
export const titleHeight = 19;
export const headerHeight = 23;
export const fontSize = 12;
export const smallSize = 10.5;
/** How far each sheet of a pile lies from the one above. */
export const pileStep = 4;
const framePadding = 14;
const boxPadding = 10;

/** A box with its place. */
export interface DrawnBox extends Point {
  readonly box: FlowBox;
  readonly width: number;
  readonly height: number;
}

/** A frame with its place. */
export interface DrawnFrame extends Point {
  readonly group: FlowGroup;
  readonly width: number;
  readonly height: number;
}

/** A line between two places. */
export interface DrawnWire {
  readonly points: readonly Point[];
  readonly hasHead: boolean;
  readonly label: string | undefined;
  /** Whether the label stands where the line ends: several that differ leave from one place. */
  readonly isLabelLast: boolean;
  /** Whether a label stands beside its beginning, its own or that of another line from there. */
  readonly isBesideLabel: boolean;
}

export interface Arrangement {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly DrawnBox[];
  readonly frames: readonly DrawnFrame[];
  readonly wires: readonly DrawnWire[];
}

/** An arrangement with the places where what comes from each outer box enters, and what leaves from each inner one, from its left edge. */
interface Part extends Arrangement {
  readonly entries: ReadonlyMap<string, number>;
  readonly exits: ReadonlyMap<string, number>;
}

export function isRound({ lines, title }: FlowBox): boolean {
  const [only] = lines;
  const text = typeof only === "string" ? only : (only?.text ?? "");
  return lines.length === 1 && title === undefined && [...text].length <= 1;
}

function boxSize(box: FlowBox): { width: number; height: number } {
  if (isRound(box)) {
    return { width: 24, height: 24 };
  }
  const widths = box.lines.map((line) => {
    const { text, note } = typeof line === "string" ? { text: line, note: undefined } : line;
    return textWidth(text, fontSize) + (note === undefined ? 0 : textWidth(note, smallSize) + 14);
  });
  // A title that is not long leaves the middle to the arrow.
  const title = box.title === undefined ? 0 : textWidth(box.title, smallSize);
  const content = Math.max(44, title, ...widths) + 2 * boxPadding;
  return {
    width: Math.round(Math.max(content, Math.min(content + 40, 2 * title + 14))),
    height: box.lines.length * lineHeight + (box.title === undefined ? 0 : titleHeight),
  };
}

/** Names of all boxes in a node. */
export function boxNames(node: FlowNode): string[] {
  return isGroup(node) ? node.nodes.flatMap(boxNames) : [node.name];
}

function shifted(part: Arrangement, x: number, y: number): Arrangement {
  const move = <P extends Point>(place: P): P => ({ ...place, x: place.x + x, y: place.y + y });
  return {
    ...part,
    boxes: part.boxes.map(move),
    frames: part.frames.map(move),
    wires: part.wires.map((wire) => ({ ...wire, points: wire.points.map(move) })),
  };
}

/** Everything within a frame, or in the whole chart. */
export function arrange(nodes: readonly FlowNode[], edges: readonly FlowEdge[]): Part {
  const home = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of boxNames(node)) {
      home.set(name, i);
    }
  });
  const parts = nodes.map((node): Part => {
    if (isGroup(node)) {
      return arrangeFrame(node, edges);
    }
    const size = boxSize(node);
    return {
      ...size,
      boxes: [{ box: node, x: 0, y: 0, ...size }],
      frames: [],
      wires: [],
      entries: new Map(),
      exits: new Map(),
    };
  });
  // What comes from outside and what goes there are places without size, at the top and at the bottom.
  const sources = [...new Set(edges.filter(({ from, to }) => !home.has(from) && home.has(to)).map(({ from }) => from))];
  const results = [...new Set(edges.filter(({ from, to }) => home.has(from) && !home.has(to)).map(({ from }) => from))];
  const none = { width: 0, height: 0 };
  const items = [...sources.map(() => none), ...parts, ...results.map(() => none)];
  const first = sources.length;
  const behind = first + parts.length;
  const place = (name: string) => home.get(name);
  const wires = new Map<string, Line & { label: string | undefined; hasHead: boolean }>();
  for (const { from, to, label } of edges) {
    const [start, end] = [place(from), place(to)];
    if ((start === undefined && end === undefined) || start === end) {
      continue;
    }
    const line = {
      from: start === undefined ? sources.indexOf(from) : first + start,
      to: end === undefined ? behind + results.indexOf(from) : first + end,
      fromOffset: start === undefined ? 0 : offset(sure(parts[start]), "exits", from),
      toOffset: end === undefined ? 0 : offset(sure(parts[end]), "entries", from),
      // A value is named where it is made, at the level at which it is handed on.
      label: start === undefined || end === undefined ? undefined : label,
      hasHead: end !== undefined,
    };
    wires.set(`${from}\n${line.to}`, line);
  }
  const lines = [...wires.values()];
  const lastRow = new Set(results.map((_, i) => behind + i));
  const { places, ways, width, height } = layOut(items, lines, lastRow);
  const inner = parts.map((part, i) => {
    const { x, y } = sure(places[first + i]);
    return shifted(part, x - part.width / 2, y);
  });
  const drawn = lines.map(({ label, hasHead, to }, i) => {
    const points = sure(ways[i]);
    return { points: lengthened(points, nodes[to - first]), hasHead, label };
  });
  return {
    width,
    height,
    boxes: inner.flatMap(({ boxes }) => boxes),
    frames: inner.flatMap(({ frames }) => frames),
    wires: [...inner.flatMap((part) => part.wires), ...onceLabelled(drawn)],
    entries: new Map(sources.map((name, i) => [name, sure(places[i]).x])),
    exits: new Map(results.map((name, i) => [name, sure(places[behind + i]).x])),
  };
}

/** A line goes on to the first line of a box whose title is not in its way. */
function lengthened(points: readonly Point[], node: FlowNode | undefined): readonly Point[] {
  const end = points.at(-1);
  if (end === undefined || node === undefined || isGroup(node) || node.title === undefined) {
    return points;
  }
  if (textWidth(node.title, smallSize) > boxSize(node).width / 2 - 6) {
    return points;
  }
  return [...points.slice(0, -1), { x: end.x, y: end.y + titleHeight }];
}

/** Lines that leave from one place carry one label there; where they carry different things, each has its own at its end. */
function onceLabelled(wires: readonly Omit<DrawnWire, "isLabelLast" | "isBesideLabel">[]): DrawnWire[] {
  const labels = new Map<string, string[]>();
  return wires
    .map((wire) => {
      const [start] = wire.points;
      const key = `${start?.x},${start?.y}`;
      const known = labels.get(key) ?? [];
      labels.set(key, known);
      const isNew = wire.label !== undefined && !known.includes(wire.label);
      if (isNew) {
        known.push(sure(wire.label));
      }
      return { wire, known, isNew };
    })
    .map(({ wire, known, isNew }) => {
      const isLabelLast = known.length > 1;
      return {
        ...wire,
        label: isNew || isLabelLast ? wire.label : undefined,
        isLabelLast,
        isBesideLabel: known.length === 1,
      };
    });
}

function offset(part: Part, side: "entries" | "exits", name: string): number {
  const x = part[side].get(name);
  return x === undefined ? 0 : x - part.width / 2;
}

function arrangeFrame(group: FlowGroup, edges: readonly FlowEdge[]): Part {
  const content = arrange(group.nodes, edges);
  const header = textWidth(group.title, fontSize) + 2 * boxPadding;
  const repeat = group.repeat === undefined ? 0 : textWidth(group.repeat, fontSize) + 2 * boxPadding;
  const pile = group.repeat === undefined ? 0 : 2 * pileStep;
  const width = Math.max(content.width + 2 * framePadding, header + repeat);
  // The rows at the top and at the bottom that hold nothing but lines that come in and go out are as high as other gaps.
  const above = content.entries.size === 0 ? rowGap / 2 : 0;
  const below = content.exits.size === 0 ? rowGap / 2 : 0;
  const height = headerHeight + above + content.height + below;
  const side = (width - content.width) / 2;
  const inner = shifted(content, side, headerHeight + above);
  const move = (places: ReadonlyMap<string, number>) => new Map([...places].map(([name, x]) => [name, x + side]));
  return {
    ...inner,
    width: width + pile,
    height: height + pile,
    frames: [{ group, x: 0, y: 0, width, height }, ...inner.frames],
    entries: move(content.entries),
    exits: move(content.exits),
  };
}
