/** What a flowchart is made of. */

/** Colours of boxes, told apart by lightness and by what stands in them, too. */
export type FlowColor = "blue" | "orange" | "green" | "purple" | "gold" | "grey";

/** One line in a box. */
export interface FlowLine {
  readonly text: string;
  readonly color?: FlowColor;
  /** What stands at its right, smaller. */
  readonly note?: string;
}

/** A box with one or more lines; with a single short one of one or two characters it is round. */
export interface FlowBox {
  /** By which edges name it; each only once. */
  readonly name: string;
  /** What stands above the lines. */
  readonly title?: string;
  readonly lines: readonly (string | FlowLine)[];
  /** Colour of lines that have none; grey without it. */
  readonly color?: FlowColor;
}

/** A frame around boxes and other frames. */
export interface FlowGroup {
  readonly name: string;
  readonly title: string;
  /** What stands at the right of the title, for example "× 3": the frame is drawn as the first of a pile. */
  readonly repeat?: string;
  readonly nodes: readonly FlowNode[];
}

export type FlowNode = FlowBox | FlowGroup;

/** An arrow between two boxes, wherever they lie. */
export interface FlowEdge {
  readonly from: string;
  readonly to: string;
  /** What flows, for example its shape. */
  readonly label?: string;
}

export function isGroup(node: FlowNode): node is FlowGroup {
  return "nodes" in node;
}
