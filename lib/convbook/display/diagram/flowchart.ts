/** Flowcharts: boxes, frames around them and arrows, laid out from top to bottom. */
import { checkOptions, checkTexts } from "../checks.ts";
import { DisplayError, shortly, wrongArgument } from "../errors.ts";
import { displaySymbol, type MimeBundle, type MimeMetadata, metadataSymbol, type Showable } from "../mime.ts";
import { type StaticPicture, staticPicture } from "../static-picture.ts";
import { arrange } from "./arrange.ts";
import { drawFlowchart, flowColors } from "./draw.ts";
import { rowsOf } from "./layers.ts";
import { type FlowEdge, type FlowNode, isGroup } from "./nodes.ts";
import { sure } from "./sure.ts";

/** Options of {@link flowchart}. */
export interface FlowchartOptions {
  /** Boxes and frames; of those side by side the first stands leftmost. */
  readonly nodes: readonly FlowNode[];
  /** Arrows between boxes. */
  readonly edges: readonly FlowEdge[];
  readonly title?: string;
  /** What is to be seen, for readers who do not see it; the boxes in order without it. */
  readonly alt?: string;
}

/** A chart that a notebook shows. The bundle has a PNG, as all figures do; {@link toSvg} gives the drawing itself. */
export class Flowchart implements Showable {
  readonly alt: string;
  readonly #svg: string;
  readonly #text: string;
  #picture: StaticPicture | undefined;

  /** @internal use {@link flowchart} */
  constructor(svg: string, text: string, alt: string) {
    this.#svg = svg;
    this.#text = text;
    this.alt = alt;
  }

  /** The drawing: no scripts, nothing loaded, readable on light and on dark pages. */
  toSvg(): string {
    return this.#svg;
  }

  /** The boxes as text, indented by frames. */
  toString(): string {
    return this.#text;
  }

  [displaySymbol](): MimeBundle {
    this.#picture ??= staticPicture(this.#svg, this.alt);
    return { ...this.#picture.bundle, "text/plain": this.#text };
  }

  [metadataSymbol](): MimeMetadata {
    this.#picture ??= staticPicture(this.#svg, this.alt);
    return this.#picture.metadata;
  }
}

/**
 * Draws boxes and the arrows between them, from top to bottom.
 *
 * @param options nodes, edges, title, alt
 * @returns the chart
 * @throws {DisplayError} where a name is given twice or is unknown, or where arrows go round in a circle
 * @example
 * display(flowchart({
 *   nodes: [{ name: "x", lines: ["x"] }, { name: "f", lines: ["F"], color: "blue" }, { name: "sum", lines: ["+"], color: "gold" }],
 *   edges: [{ from: "x", to: "f" }, { from: "f", to: "sum" }, { from: "x", to: "sum", label: "as it is" }],
 * }));
 */
export function flowchart(options: FlowchartOptions): Flowchart {
  checkOptions("flowchart", options, ["nodes", "edges", "title", "alt"]);
  const { nodes, edges, title, alt } = options;
  checkTexts("flowchart", { title, alt });
  const names = new Set<string>();
  checkNodes("nodes", nodes, names, new Set());
  checkEdges(edges, names);
  const text = outline(nodes).join("\n");
  const inWords =
    alt ??
    `${title ?? "Flowchart"}: ${outline(nodes)
      .map((line) => line.trim())
      .join("; ")}`;
  return new Flowchart(drawFlowchart(arrange(nodes, edges), title, inWords), text, inWords);
}

function checkNodes(place: string, nodes: unknown, boxes: Set<string>, all: Set<string>): void {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    throw wrongArgument("flowchart", place, nodes, "a list of boxes and groups");
  }
  for (const [i, node] of (nodes as FlowNode[]).entries()) {
    const here = `${place}[${i}]`;
    if (typeof node !== "object" || node === null || typeof node.name !== "string") {
      throw wrongArgument("flowchart", here, node, "a box or a group with a name");
    }
    if (all.has(node.name)) {
      throw new DisplayError(
        `flowchart: ${here}: the name ${shortly(node.name)} is there twice; each is to be one box's`,
      );
    }
    all.add(node.name);
    if (isGroup(node)) {
      const { title, repeat } = node;
      if (typeof title !== "string") {
        throw wrongArgument("flowchart", `${here}.title`, title, "a string");
      }
      checkTexts("flowchart", { [`${here}.repeat`]: repeat });
      checkNodes(`${here}.nodes`, node.nodes, boxes, all);
      continue;
    }
    boxes.add(node.name);
    checkTexts("flowchart", { [`${here}.title`]: node.title });
    checkColor(`${here}.color`, node.color);
    if (!Array.isArray(node.lines) || node.lines.length === 0) {
      throw wrongArgument("flowchart", `${here}.lines`, node.lines, "a list of lines");
    }
    for (const [j, line] of node.lines.entries()) {
      if (typeof line === "string") {
        continue;
      }
      if (typeof line !== "object" || line === null || typeof line.text !== "string") {
        throw wrongArgument("flowchart", `${here}.lines[${j}]`, line, "a string, or an object with a text");
      }
      checkColor(`${here}.lines[${j}].color`, line.color);
      checkTexts("flowchart", { [`${here}.lines[${j}].note`]: line.note });
    }
  }
}

function checkColor(place: string, color: unknown): void {
  if (color !== undefined && !flowColors.some((known) => known === color)) {
    throw wrongArgument("flowchart", place, color, flowColors.join(", "));
  }
}

function checkEdges(edges: unknown, names: ReadonlySet<string>): void {
  if (!Array.isArray(edges)) {
    throw wrongArgument("flowchart", "edges", edges, "a list of {from, to}");
  }
  for (const [i, edge] of (edges as FlowEdge[]).entries()) {
    if (typeof edge !== "object" || edge === null) {
      throw wrongArgument("flowchart", `edges[${i}]`, edge, "an object with from and to");
    }
    for (const end of ["from", "to"] as const) {
      if (!names.has(edge[end])) {
        throw wrongArgument("flowchart", `edges[${i}].${end}`, edge[end], "the name of a box");
      }
    }
    checkTexts("flowchart", { [`edges[${i}].label`]: edge.label });
  }
  const numbers = new Map([...names].map((name, i) => [name, i]));
  const lines = (edges as FlowEdge[]).map(({ from, to }) => ({
    from: sure(numbers.get(from)),
    to: sure(numbers.get(to)),
  }));
  const rows = rowsOf(names.size, lines);
  const round = lines.findIndex(({ from, to }) => sure(rows[from]) >= sure(rows[to]));
  if (round >= 0) {
    const { from, to } = sure((edges as FlowEdge[])[round]);
    throw new DisplayError(
      `flowchart: edges: the arrow from ${shortly(from)} to ${shortly(to)} closes a circle; a flowchart goes from top to bottom`,
    );
  }
}

/** The boxes in order, a line each. */
function outline(nodes: readonly FlowNode[], indent = ""): string[] {
  return nodes.flatMap((node) => {
    if (isGroup(node)) {
      const repeat = node.repeat === undefined ? "" : ` ${node.repeat}`;
      return [`${indent}${node.title}${repeat}`, ...outline(node.nodes, `${indent}  `)];
    }
    const lines = node.lines.map((line) =>
      typeof line === "string" ? line : [line.text, line.note].filter((part) => part !== undefined).join(" "),
    );
    const title = node.title === undefined ? "" : `${node.title}: `;
    return [`${indent}${title}${lines.join(", ")}`];
  });
}
