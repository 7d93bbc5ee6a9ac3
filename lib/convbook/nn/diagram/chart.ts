/** From what is left of a forward pass to boxes and arrows. */
import { at } from "../../arguments/at.ts";
import { found } from "../../arguments/found.ts";
import type { FlowBox, FlowColor, FlowEdge, FlowGroup, FlowLine, FlowNode } from "../../display/diagram/nodes.ts";
import { Sequential } from "../containers.ts";
import type { Branch, Folded, Node, Repeat } from "./fold.ts";
import type { Leaf, Recording, Value } from "./record.ts";
import { shapeText, type Words } from "./words.ts";

const colors: Readonly<Record<Words["kind"], FlowColor>> = {
  convolution: "blue",
  dense: "purple",
  normalisation: "grey",
  activation: "orange",
  resize: "green",
  merge: "gold",
  other: "grey",
};

/** Boxes and arrows. */
export interface Chart {
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
  /** How many lines of text they have. */
  readonly lines: number;
}

interface Wire {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** A box while it may grow. */
interface Box {
  name: string;
  title?: string;
  lines: FlowLine[];
  /** Whether it is a single layer, or a row of them. */
  isPlain: boolean;
}

/** What is opened. */
export interface ChartOptions {
  /** How many levels of groups. */
  readonly depth: number;
  /** Whether a Sequential of layers alone counts as its layers. */
  readonly areRowsOpen: boolean;
}

/** What is drawn of a forward pass. */
export function chart(recording: Recording, { root, stands }: Folded, { depth, areRowsOpen }: ChartOptions): Chart {
  const isOpen = ({ group, parts }: Branch, level: number) => {
    const isRow = areRowsOpen && group?.module instanceof Sequential && parts.every(({ kind }) => kind === "leaf");
    return group === null || level < depth || isRow;
  };
  const homes = new Map<Leaf, string>();
  const nameOf = ({ maker }: Value): string | undefined =>
    maker === null ? undefined : homes.get(stands.get(maker) ?? maker);
  let number = 0;
  const assign = (node: Node, level: number, home?: string): void => {
    if (node.kind === "leaf") {
      homes.set(node, home ?? `box${number++}`);
      return;
    }
    const inner = home === undefined && isOpen(node, level) ? undefined : (home ?? `box${number++}`);
    for (const part of node.parts) {
      assign(part, node.group === null ? level : level + 1, inner);
    }
  };
  assign(root, 0);

  const inputName = (value: Value) => `input${recording.inputs.indexOf(value)}`;
  const wires = new Map<string, Wire>();
  const connect = (value: Value, to: string) => {
    const from = value.maker === null ? inputName(value) : nameOf(value);
    if (from !== undefined && from !== to) {
      wires.set(`${from} ${to}`, { from, to, label: shapeText(value.shape) });
    }
  };
  for (const [leaf, home] of homes) {
    for (const value of leaf.inputs) {
      connect(value, home);
    }
  }
  recording.outputs.forEach(({ value }, i) => {
    connect(value, `output${i}`);
  });

  const stacked = new Map<string, string>();
  const nodes = level(root.parts, 1);
  const isOne = recording.inputs.length === 1;
  const inputs = recording.inputs.map(
    (_, i): FlowBox => ({ name: `input${i}`, lines: [isOne ? "input" : `input ${i + 1}`] }),
  );
  const outputs = recording.outputs.map(
    ({ name }, i): FlowBox => ({
      name: `output${i}`,
      lines: [name === "" || /^\d+$/.test(name) ? `output ${name}`.trim() : name],
    }),
  );
  const all = [...inputs, ...nodes, ...outputs];
  const edges = new Map<string, FlowEdge>();
  for (const { from, to, label } of wires.values()) {
    const [start, end] = [stacked.get(from) ?? from, stacked.get(to) ?? to];
    if (start !== end) {
      edges.set(`${start} ${end}`, { from: start, to: end, label });
    }
  }
  return { nodes: all, edges: [...edges.values()], lines: countLines(all) };

  /** What a group's parts come to: rows of layers become one box. */
  function level(parts: readonly Node[], at: number): FlowNode[] {
    const drawn = parts.map((part): Box | FlowGroup => {
      if (part.kind === "leaf") {
        const line: FlowLine = { text: part.words.text, color: colors[part.words.kind] };
        return {
          name: found(homes.get(part), "The box of a layer"),
          lines: [line],
          isPlain: part.words.kind !== "merge",
        };
      }
      return isOpen(part, at) ? opened(part, at) : closed(part);
    });
    const result: (Box | FlowGroup)[] = [];
    for (const node of drawn) {
      const before = result.find((other): other is Box => isBox(other) && follows(other, node));
      if (before !== undefined && isBox(node)) {
        before.lines.push(...node.lines);
        for (const [name, home] of stacked) {
          if (home === node.name) {
            stacked.set(name, before.name);
          }
        }
        stacked.set(node.name, before.name);
      } else {
        result.push(node);
      }
    }
    return result.map((node) => (isBox(node) ? { name: node.name, lines: node.lines, ...titled(node.title) } : node));
  }

  /** Whether a layer reads what the row before it gives, and nobody else does. */
  function follows(before: Box, node: Box | FlowGroup): boolean {
    if (!isBox(node) || !before.isPlain || !node.isPlain) {
      return false;
    }
    const home = (name: string) => stacked.get(name) ?? name;
    const outgoing = [...wires.values()].filter(
      ({ from, to }) => home(from) === before.name && home(to) !== before.name,
    );
    const incoming = [...wires.values()].filter(({ to }) => home(to) === node.name);
    return (
      outgoing.length === 1 &&
      incoming.length === 1 &&
      outgoing[0]?.to === node.name &&
      home(incoming[0]?.from ?? "") === before.name
    );
  }

  function opened(branch: Branch, at: number): Box | FlowGroup {
    const parts = level(branch.parts, branch.group === null ? at : at + 1);
    const [only] = parts;
    const { group, repeat } = branch;
    const type = group === null || group.module.typeName === "Sequential" ? "" : group.module.typeName;
    const name = nameRange(group?.name ?? "", repeat);
    const title = group === null ? "repeated" : [name, type].filter((part) => part !== "").join(": ");
    if (parts.length === 1 && only !== undefined && !("nodes" in only) && only.title === undefined) {
      const lines = only.lines.map((line) => (typeof line === "string" ? { text: line } : line));
      const count = repeat === null ? "" : ` ${timesOf(repeat)}`;
      return { name: only.name, title: `${title}${count}`.trim(), lines, isPlain: false };
    }
    if (parts.length === 1 && only !== undefined && "nodes" in only && type === "" && repeat === null) {
      return only;
    }
    return {
      name: `group${number++}`,
      title,
      ...(repeat === null ? {} : { repeat: timesOf(repeat) }),
      nodes: parts,
    };
  }

  function closed(branch: Branch): Box {
    const { group, repeat } = branch;
    const home = found(homes.get(at(leavesIn(branch), 0)), "The box of a block");
    const parameters = group?.module.parameterCount() ?? 0;
    const halves = shrinks(branch);
    const count = repeat === null ? "" : ` ${timesOf(repeat)}`;
    const lines: FlowLine[] = [
      { text: `${group?.module.typeName}${count}`, color: halves ? "orange" : "blue" },
      {
        text:
          parameters === 0
            ? "no parameters"
            : `${parameters.toLocaleString("en-US")} parameters${repeat === null || repeat.isShared ? "" : repeat.isSame ? " each" : " in the first"}`,
        color: halves ? "orange" : "blue",
      },
    ];
    return { name: home, title: nameRange(group?.name ?? "", repeat), lines, isPlain: false };
  }
}

const isBox = (node: Box | FlowGroup): node is Box => "lines" in node;
const titled = (title: string | undefined) => (title === undefined || title === "" ? {} : { title });

function leavesIn(node: Node): Leaf[] {
  return node.kind === "leaf" ? [node] : node.parts.flatMap(leavesIn);
}

/** Whether pictures come out smaller than they went in. */
function shrinks(branch: Branch): boolean {
  const leaves = leavesIn(branch);
  const area = (value: Value | undefined) => (value?.shape ?? []).slice(1, -1).reduce((product, n) => product * n, 1);
  const [before, after] = [leaves[0]?.inputs[0], leaves.at(-1)?.outputs[0]];
  return (after?.shape.length ?? 0) >= 3 && area(after) < area(before);
}

function timesOf({ count, isSame, isShared }: Repeat): string {
  return `× ${count}${isShared ? ", the same weights" : isSame ? "" : ", other widths"}`;
}

/** The end of a dotted name, since the frames around it tell the rest; "blocks.0–2" for blocks.0 to blocks.2. */
function nameRange(path: string, repeat: Repeat | null): string {
  const name = /[^.]+(\.\d+)*$/.exec(path)?.[0] ?? path;
  const last = repeat === null || repeat.isShared ? "" : (repeat.lastName.split(".").at(-1) ?? "");
  return last === "" || name === "" ? name : `${name}–${last}`;
}

function countLines(nodes: readonly FlowNode[]): number {
  return nodes.reduce((sum, node) => sum + ("nodes" in node ? 1 + countLines(node.nodes) : node.lines.length), 0);
}
