/** The table of a module's parts that is printed before fitting, as PyTorch Lightning prints it. */
import type { AnyModule } from "../nn/module.ts";

/** One part. */
export interface SummaryRow {
  readonly name: string;
  readonly type: string;
  readonly parameters: number;
  readonly mode: "train" | "eval";
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
    const cells = this.rows.map(({ name, type, parameters, mode }, i) => [
      String(i),
      name,
      type,
      short(parameters),
      mode,
    ]);
    const head = ["", "Name", "Type", "Params", "Mode"];
    const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => (row[i] as string).length)));
    const line = (row: readonly string[]) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] as number))
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

/**
 * The parts of a module.
 *
 * @param maxDepth how deep to go; 1 (default) for the direct children, -1 for all
 */
export function summarize(root: AnyModule, { maxDepth = 1 }: { maxDepth?: number } = {}): ModelSummary {
  const rows = root
    .namedModules()
    .filter(([name]) => name !== "" && (maxDepth === -1 || name.split(".").length <= maxDepth))
    .map(([name, module]) => ({
      name,
      type: module.typeName,
      parameters: module.parameterCount(),
      mode: module.training ? ("train" as const) : ("eval" as const),
    }));
  const trainable = root.parameters().filter(({ requiresGrad }) => requiresGrad);
  return new ModelSummary(
    rows,
    trainable.reduce((sum, { size }) => sum + size, 0),
    root.parameterCount(),
  );
}

function short(count: number): string {
  if (count < 1e3) return String(count);
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} K`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(1)} B`;
}
