/** A cell registers a model: its name is known to the types and to checkpoints, and the cell can be run again. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorOf, KernelUnderTest, pythonHas, resultOf, root } from "./harness.ts";

const definition = (bias: boolean) => `
import * as tf from "@tensorflow/tfjs";
import { ClassificationModule, createModel, hparam, loadFromCheckpoint, modelNames, nn, registerBlock, registerModel, saveCheckpoint } from "convbook";

interface PlainHparams {
  readonly numClasses?: number;
}

class Plain extends nn.Module<[x: tf.Tensor4D], tf.Tensor> {
  conv: nn.Conv2d;
  constructor({ numClasses = 10 }: PlainHparams = {}) {
    super();
    this.conv = new nn.Conv2d(3, numClasses, { kernelSize: 1, bias: ${bias} });
  }
  forward(x: tf.Tensor4D): tf.Tensor {
    return tf.mean(this.conv.forward(x), [1, 2]);
  }
}

class Half extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  conv: nn.Conv2d;
  constructor(cIn: number, { subsample = false, cOut = cIn }: { subsample?: boolean; cOut?: number }) {
    super();
    this.conv = new nn.Conv2d(cIn, subsample ? cOut : cIn, { kernelSize: 1, stride: subsample ? 2 : 1 });
  }
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return this.conv.forward(x);
  }
}

declare module "convbook" {
  interface RegisteredModels {
    Plain: typeof Plain;
  }
  interface RegisteredBlocks {
    Half: Half;
  }
}

registerModel("Plain", Plain, { numClasses: hparam.integer(1, 100) });
registerBlock("Half", Half);
createModel("Plain", { numClasses: 3 }).parameterCount()`;

describe.runIf(pythonHas("jupyter_client"))("registerModel in a notebook", () => {
  let kernel: KernelUnderTest;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "registered-"));
    mkdirSync(join(folder, "node_modules/@tensorflow"), { recursive: true });
    symlinkSync(join(root, "node_modules/convbook"), join(folder, "node_modules/convbook"));
    for (const name of ["tfjs", "tfjs-core"]) {
      const target = join(root, "node_modules/@tensorflow", name);
      if (existsSync(target)) {
        symlinkSync(target, join(folder, "node_modules/@tensorflow", name));
      }
    }
    kernel = await KernelUnderTest.start({ folder });
  });
  afterAll(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  it("is known to the types, listed, and replaced when its cell is run again", async () => {
    expect(resultOf(await kernel.execute(definition(true)))).toBe("12");
    expect(resultOf(await kernel.execute('modelNames().includes("Plain")'))).toBe("true");
    const typed = await kernel.execute(
      'const plain: Plain = createModel("Plain", { numClasses: 5 }); plain.conv.outChannels',
    );
    expect(resultOf(typed)).toBe("5");
    const misspelt = errorOf(await kernel.execute('createModel("Plane")'));
    expect(misspelt.evalue).toContain("Plane");
    expect(errorOf(await kernel.execute('createModel("Plain", { numClasses: "five" })')).evalue).toContain("string");
    expect(
      resultOf(await kernel.execute('createModel("ResNet", { blockName: "Half" }).blocks.children()[0]!.typeName')),
    ).toBe("'Half'");

    expect(resultOf(await kernel.execute(definition(false)))).toBe("9");
    expect(resultOf(await kernel.execute('createModel("Plain", { numClasses: 4 }).parameterCount()'))).toBe("12");
  });

  it("goes through a checkpoint and back", async () => {
    expect(resultOf(await kernel.execute(definition(false)))).toBe("9");
    const code = `
const module = new ClassificationModule({ modelName: "Plain", modelHparams: { numClasses: 7 } });
await saveCheckpoint("plain.ckpt", { state_dict: module.stateDict(), hyper_parameters: module.hparams });
const { model } = await loadFromCheckpoint("plain.ckpt");
[model instanceof Plain, model.parameterCount()].join()`;
    expect(resultOf(await kernel.execute(code))).toBe("'true,21'");
  });
});
