/** A model's layers as a table: names, types, output shapes, parameters and work. */
import * as tf from "@tensorflow/tfjs-core";
import { checkInputShape, dryRun } from "./dry-run.ts";
import { OptionError, refuseUnknownOptions } from "./errors.ts";
import type { AnyModule } from "./module.ts";
import type { Parameter } from "./parameter.ts";
import type { Shape } from "./shapes.ts";

/** One module in a {@link ModelSummary}. */
export interface SummaryRow {
  /** Dotted name; empty for the model itself. */
  readonly name: string;
  readonly type: string;
  /** How deep it lies in the model, 0 for the model itself. */
  readonly depth: number;
  /** Learned values here and below, shared ones counted once. */
  readonly parameters: number;
  /** Those of them that training changes. */
  readonly trainable: number;
  /** Shape of the (last) output; null where the module was not called. */
  readonly outputShape: Shape | null;
  /** Multiplications with addition here and below, for the whole batch. */
  readonly multiplyAdds: number;
  /** Floating-point operations: two for each multiplication with addition. */
  readonly flops: number;
}

/** Options of {@link summary}. */
export interface SummaryOptions {
  /** Shape of the input with the batch, channels last, as [1, 32, 32, 3]. */
  readonly inputShape: Shape;
  /** How many levels are listed; all by default. */
  readonly depth?: number;
}

/** Options of {@link ModelSummary.estimateMemory}. */
export interface MemoryOptions {
  /** Number of samples a batch. */
  readonly batchSize: number;
  /** Whether the model trains (default) or only infers. */
  readonly training?: boolean;
  /** Values that the optimizer keeps for each parameter: 1 for SGD with momentum, 2 (default) for Adam. */
  readonly optimizerSlots?: number;
}

interface LeafLayer {
  multiplyAdds?(input: Shape, output: Shape): number;
}

const float32Bytes = 4;
const product = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

/** What {@link summary} found. Prints as a table, in a notebook too. */
export class ModelSummary {
  readonly model: string;
  readonly inputShape: Shape;
  /** The modules down to the depth asked for, in the order of registration. */
  readonly rows: readonly SummaryRow[];
  readonly parameters: number;
  readonly trainable: number;
  readonly multiplyAdds: number;
  readonly flops: number;
  /** Bytes of the outputs of all layers for one sample, in float32. */
  readonly activationBytesPerSample: number;
  /** Bytes of input and output of the layer where they are largest, for one sample. */
  readonly widestLayerBytesPerSample: number;

  constructor(
    model: string,
    inputShape: Shape,
    rows: readonly SummaryRow[],
    activations: { readonly bytesPerSample: number; readonly widestLayer: number },
  ) {
    const [total] = rows as readonly [SummaryRow, ...SummaryRow[]];
    this.model = model;
    this.inputShape = inputShape;
    this.rows = rows;
    this.parameters = total.parameters;
    this.trainable = total.trainable;
    this.multiplyAdds = total.multiplyAdds;
    this.flops = total.flops;
    this.activationBytesPerSample = activations.bytesPerSample;
    this.widestLayerBytesPerSample = activations.widestLayer;
  }

  /**
   * Roughly the bytes that a step needs. In training every layer's output is kept and has a gradient; each parameter has a gradient and the
   * optimizer's values. In inference only a layer's input and output are alive at once, and a shortcut's beside them.
   */
  estimateMemory({ batchSize, training = true, optimizerSlots = 2 }: MemoryOptions): number {
    const weights = this.parameters * float32Bytes;
    const gradients = this.trainable * float32Bytes * (1 + optimizerSlots);
    if (!training) {
      return weights + 1.5 * this.widestLayerBytesPerSample * batchSize;
    }
    return weights + gradients + 2 * this.activationBytesPerSample * batchSize;
  }

  /** The largest batch whose {@link estimateMemory} stays within `bytes`; 0 where not even one sample does. */
  largestBatch(bytes: number, options: Omit<MemoryOptions, "batchSize"> = {}): number {
    const fixed = this.estimateMemory({ ...options, batchSize: 0 });
    const each = this.estimateMemory({ ...options, batchSize: 1 }) - fixed;
    return each <= 0 ? 0 : Math.max(0, Math.floor((bytes - fixed) / each));
  }

  #cells(): { header: string[]; body: string[][]; footer: string[] } {
    const format = (n: number) => n.toLocaleString("en-US");
    const body = this.rows.map((row) => [
      `${"  ".repeat(row.depth)}${row.name === "" ? "(model)" : row.name.split(".").slice(-1)[0]}`,
      row.type,
      row.outputShape === null ? "-" : `[${row.outputShape.join(", ")}]`,
      format(row.parameters),
      format(row.flops),
    ]);
    return {
      header: ["Name", "Type", "Output shape", "Parameters", "FLOPs"],
      body,
      footer: [
        `Parameters: ${format(this.parameters)}, of which trainable: ${format(this.trainable)}`,
        `FLOPs (2 a multiply-add) for an input of [${this.inputShape.join(", ")}]: ${format(this.flops)}`,
      ],
    };
  }

  /** The table as text. */
  toString(): string {
    const { header, body, footer } = this.#cells();
    const widths = header.map((title, i) => Math.max(title.length, ...body.map((line) => (line[i] as string).length)));
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, i) => (i < 3 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join("  ")
        .trimEnd();
    const rule = "-".repeat(widths.reduce((sum, width) => sum + width, 0) + 2 * (widths.length - 1));
    return [line(header), rule, ...body.map(line), rule, ...footer].join("\n");
  }

  /** What a notebook shows: the table as HTML and as text. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    const { header, body, footer } = this.#cells();
    const escapeHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    const cell = (tag: string, text: string, i: number) => {
      const indent = text.length - text.trimStart().length;
      const style = `text-align:${i < 3 ? "left" : "right"};padding-left:${i === 0 ? indent * 0.75 + 0.5 : 0.5}em`;
      return `<${tag} style="${style}">${escapeHtml(text.trim())}</${tag}>`;
    };
    const rows = body.map((line) => `<tr>${line.map((text, i) => cell("td", text, i)).join("")}</tr>`).join("");
    const head = `<tr>${header.map((text, i) => cell("th", text, i)).join("")}</tr>`;
    const caption = footer.map(escapeHtml).join("<br>");
    return {
      "text/html": `<table><thead>${head}</thead><tbody>${rows}</tbody></table><p>${caption}</p>`,
      "text/plain": this.toString(),
    };
  }
}

/**
 * Describes every module of a model for an input of the given shape. Layers that know their output's shape are not computed, so it takes
 * milliseconds for large models too, and neither parameters nor running statistics nor modes change.
 *
 * @param model any module that takes one tensor
 * @param options inputShape and depth
 * @returns the table
 * @throws {ShapeError} where the input does not fit, naming the layer
 * @throws {UnregisteredModuleError} where it uses layers that are no part of it
 *
 * @example
 * console.log(`${summary(new ResNet(), { inputShape: [1, 32, 32, 3], depth: 2 })}`);
 */
export function summary(model: AnyModule, options: SummaryOptions): ModelSummary {
  if (typeof model?.namedModules !== "function") {
    throw new OptionError("summary", "model", model, "a module");
  }
  refuseUnknownOptions("summary", options, ["inputShape", "depth"]);
  const { inputShape, depth = Number.POSITIVE_INFINITY } = options;
  if (typeof depth !== "number" || !(depth >= 0)) {
    throw new OptionError("summary", "depth", depth, "a number of levels, 0 for the model alone");
  }
  checkInputShape("summary", "inputShape", inputShape);
  const shapes = new Map<AnyModule, Shape>();
  const work = new Map<AnyModule, number>();
  let activations = 0;
  let widest = 0;
  const named = model.namedModules();
  dryRun(model, [inputShape], {
    leave({ module, inputs, output, isLeaf }) {
      if (!(output instanceof tf.Tensor)) {
        return;
      }
      shapes.set(module, output.shape);
      if (isLeaf) {
        const input = inputs[0] instanceof tf.Tensor ? inputs[0].shape : [];
        const leaf = module as unknown as LeafLayer;
        work.set(module, (work.get(module) ?? 0) + (leaf.multiplyAdds?.(input, output.shape) ?? 0));
        activations += product(output.shape) * float32Bytes;
        widest = Math.max(widest, (product(input) + product(output.shape)) * float32Bytes);
      }
    },
  });

  const rows = named.map(([name, module]): SummaryRow => {
    const parameters = module.parameters();
    const multiplyAdds = module.modules().reduce((sum, below) => sum + (work.get(below) ?? 0), 0);
    const count = (list: readonly Parameter[]) => list.reduce((sum, parameter) => sum + parameter.size, 0);
    return {
      name,
      type: module.typeName,
      depth: name === "" ? 0 : name.split(".").length,
      parameters: count(parameters),
      trainable: count(parameters.filter((parameter) => parameter.requiresGrad)),
      outputShape: shapes.get(module) ?? null,
      multiplyAdds,
      flops: 2 * multiplyAdds,
    };
  });
  const listed = rows.filter((row) => row.depth <= depth);
  const batch = inputShape[0] as number;
  return new ModelSummary(model.typeName, inputShape, listed, {
    bytesPerSample: activations / batch,
    widestLayer: widest / batch,
  });
}
