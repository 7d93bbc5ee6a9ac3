/** The table of a module's parts that is printed before fitting, as PyTorch Lightning prints it. */
import * as tf from "@tensorflow/tfjs-core";
import type { AnyModule } from "../nn/module.ts";
import { rememberModes } from "./core/modes.ts";
import { ConfigurationError } from "./errors.ts";

/** One part. */
export interface SummaryRow {
  readonly name: string;
  readonly type: string;
  readonly parameters: number;
  readonly mode: "train" | "eval";
  /** Shapes of what it takes and gives, where an example input has come by. */
  readonly inSizes?: string;
  readonly outSizes?: string;
}

/** Parts and totals. */
export class ModelSummary {
  readonly rows: readonly SummaryRow[];
  readonly trainable: number;
  readonly total: number;

  constructor(rows: readonly SummaryRow[], trainable: number, total: number) {
    this.rows = rows;
    this.trainable = trainable;
    this.total = total;
  }

  toString(): string {
    const hasSizes = this.rows.some(({ inSizes }) => inSizes !== undefined);
    const cells = this.rows.map(({ name, type, parameters, mode, inSizes = "?", outSizes = "?" }, i) => [
      String(i),
      name,
      type,
      short(parameters),
      mode,
      ...(hasSizes ? [inSizes, outSizes] : []),
    ]);
    const head = ["", "Name", "Type", "Params", "Mode", ...(hasSizes ? ["In sizes", "Out sizes"] : [])];
    const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
    const line = (row: readonly string[]) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join(" | ")
        .trimEnd();
    const rule = "-".repeat(widths.reduce((sum, width) => sum + width + 3, -3));
    const megabytes = (this.total * 4) / 1e6;
    return [
      line(head),
      rule,
      ...cells.map(line),
      rule,
      `${short(this.trainable).padEnd(10)} Trainable params`,
      `${short(this.total - this.trainable).padEnd(10)} Non-trainable params`,
      `${short(this.total).padEnd(10)} Total params`,
      `${megabytes.toFixed(3).padEnd(10)} Total estimated model params size (MB)`,
    ].join("\n");
  }

  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}

/** What {@link summarize} takes. */
export interface SummarizeOptions {
  /** How deep to go; 1 (default) for the direct children, -1 for all. */
  readonly maxDepth?: number;
  /** An input to run the module with, so that the table has shapes; not disposed of. */
  readonly exampleInput?: tf.Tensor | undefined;
}

/**
 * The parts of a module.
 *
 * @throws ConfigurationError when the module cannot take the example input
 */
export function summarize(root: AnyModule, options: SummarizeOptions = {}): ModelSummary {
  const { maxDepth = 1, exampleInput } = options;
  const listed = root
    .namedModules()
    .filter(([name]) => name !== "" && (maxDepth === -1 || name.split(".").length <= maxDepth));
  const sizes = exampleInput === undefined ? undefined : sizesOf(root, exampleInput);
  const rows = listed.map(([name, module]) => ({
    name,
    type: module.typeName,
    parameters: module.parameterCount(),
    mode: module.training ? ("train" as const) : ("eval" as const),
    ...sizes?.get(module),
  }));
  const trainable = root.parameters().filter(({ requiresGrad }) => requiresGrad);
  return new ModelSummary(
    rows,
    trainable.reduce((sum, { size }) => sum + size, 0),
    root.parameterCount(),
  );
}

/** The shapes that every module takes and gives when `root` runs in evaluation mode; what does not run has none. */
function sizesOf(root: AnyModule, input: tf.Tensor): Map<AnyModule, { inSizes: string; outSizes: string }> {
  const sizes = new Map<AnyModule, { inSizes: string; outSizes: string }>();
  const show = (values: readonly unknown[]) =>
    values
      .filter((value) => value instanceof tf.Tensor)
      .map(({ shape }) => `[${shape.join(", ")}]`)
      .join(", ") || "?";
  const remove = root.modules().map((module) =>
    module.registerForwardHook((_, inputs, output) => {
      const outputs = output instanceof tf.Tensor ? [output] : Object.values(output ?? {});
      sizes.set(module, { inSizes: show(inputs), outSizes: show(outputs) });
      return undefined;
    }),
  );
  const restoreModes = rememberModes(root);
  try {
    root.eval();
    tf.tidy(() => {
      root.forward(input);
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const shape = `a tensor of shape [${input.shape.join(", ")}]`;
    throw new ConfigurationError(`${root.typeName}.exampleInput`, shape, `an input of its forward pass (${reason})`);
  } finally {
    restoreModes();
    for (const undo of remove) {
      undo();
    }
  }
  return sizes;
}

function short(count: number): string {
  if (count < 1e3) {
    return String(count);
  }
  if (count < 1e6) {
    return `${(count / 1e3).toFixed(1)} K`;
  }
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(1)} B`;
}
