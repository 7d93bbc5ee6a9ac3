/** `nn.diagram`: a picture of what a module's forward pass does. */
import { type Flowchart, flowchart } from "../../display/diagram/flowchart.ts";
import { checkInputShape } from "../dry-run.ts";
import { OptionError, refuseUnknownOptions } from "../errors.ts";
import type { AnyModule } from "../module.ts";
import type { Shape } from "../shapes.ts";
import { chart } from "./chart.ts";
import { fold, type Node } from "./fold.ts";
import { record } from "./record.ts";

/** Options of {@link diagram}. */
export interface DiagramOptions {
  /** Shape of the input with the batch, channels last, as [1, 32, 32, 3]; for a module that takes several, a list of shapes. */
  readonly inputShape: Shape | readonly Shape[];
  /** How many levels of modules are opened, 1 for the module's own parts; as many as fit onto a page by default. */
  readonly depth?: number;
  readonly title?: string;
  /** What is to be seen, for readers who do not see it; the parts in order without it. */
  readonly alt?: string;
}

/** So many lines of text fit onto a page. */
const mostLines = 44;

/**
 * Draws what a module does to an input of the given shape: its layers, what is called between them, who reads what, with shapes. The forward pass is run once,
 * on zeros and without computing layers, so every module can be drawn, and the picture is what the code says, not what its author meant.
 *
 * Modules are frames; blocks that are alike and stand one behind the other are drawn once, with their number. Neither parameters nor statistics nor modes change.
 *
 * @param module any module that takes tensors
 * @param options inputShape, depth, title, alt
 * @returns the picture, which a notebook shows; `toSvg()` gives the drawing
 * @throws {OptionError} where an option is out of range
 * @throws {ShapeError} where the input does not fit, naming the layer
 * @throws {UnregisteredModuleError} where it uses layers that are no part of it
 *
 * @example
 * display(diagram(new ResNet(), { inputShape: [1, 32, 32, 3], depth: 2 }));
 */
export function diagram(module: AnyModule, options: DiagramOptions): Flowchart {
  if (typeof module?.namedModules !== "function") {
    throw new OptionError("diagram", "module", module, "a module");
  }
  refuseUnknownOptions("diagram", options, ["inputShape", "depth", "title", "alt"]);
  const { inputShape, depth, title, alt } = options;
  if (depth !== undefined && !(Number.isSafeInteger(depth) && depth >= 1)) {
    throw new OptionError("diagram", "depth", depth, "a whole number of levels, 1 for the module's own parts");
  }
  for (const [name, text] of Object.entries({ title, alt })) {
    if (text !== undefined && typeof text !== "string") {
      throw new OptionError("diagram", name, text, "a string");
    }
  }
  const shapes = shapesOf(inputShape);
  const recording = record(module, shapes);
  const folded = fold(
    recording.model,
    recording.outputs.map(({ value }) => value),
  );
  const words = { title: title ?? module.typeName, ...(alt === undefined ? {} : { alt }) };
  let drawn = chart(recording, folded, { depth: depth ?? 1, areRowsOpen: true });
  if (depth === undefined && drawn.lines > mostLines) {
    drawn = chart(recording, folded, { depth: 1, areRowsOpen: false });
  }
  for (let deeper = 2; depth === undefined && deeper <= levelsOf(folded.root); deeper++) {
    const next = chart(recording, folded, { depth: deeper, areRowsOpen: true });
    if (next.lines > mostLines) {
      break;
    }
    drawn = next;
  }
  const { nodes, edges } = drawn;
  return flowchart({ nodes, edges, ...words });
}

/** How deep groups lie in each other. */
function levelsOf(node: Node): number {
  return node.kind === "leaf" ? 0 : 1 + Math.max(0, ...node.parts.map(levelsOf));
}

function shapesOf(inputShape: unknown): Shape[] {
  const isList = Array.isArray(inputShape) && inputShape.length > 0 && inputShape.every((part) => Array.isArray(part));
  const shapes: unknown[] = isList ? inputShape : [inputShape];
  return shapes.map((shape) => {
    checkInputShape("diagram", "inputShape", shape);
    return shape;
  });
}
