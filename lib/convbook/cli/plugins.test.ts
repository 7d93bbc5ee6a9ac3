/** Models of one's own in the command: `model.plugins` of a configuration, seen from its folder, and `--plugin`. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodePng } from "../display/index.ts";

const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const root = realpathSync(mkdtempSync(join(tmpdir(), "convbook-plugins-")));
afterAll(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function convbook(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, CONVBOOK_BACKEND: "cpu" };
  return spawnSync(process.execPath, [cli, ...args], { cwd: root, encoding: "utf8", env });
}

const settings = (plugins: string, name = "Gated") => `
output: ${join(root, "run")}
model: { name: ${name}, plugins: ${plugins}, hparams: { width: 4 } }
data: { name: imageFolder, folder: ${join(root, "data")}, batchSize: 4, numWorkers: 0 }
optimizer: { name: Adam, lr: 0.01 }
trainer: { maxEpochs: 1, enableModelSummary: false }
`;

const gate = `import * as tf from "@tensorflow/tfjs-core";
import { nn } from "convbook";

export class Gate extends nn.Module<[x: tf.Tensor4D], tf.Tensor4D> {
  conv: nn.Conv2d;
  constructor(readonly channels: number) {
    super();
    this.conv = new nn.Conv2d(channels, channels, { kernelSize: 1 });
  }
  forward(x: tf.Tensor4D): tf.Tensor4D {
    return tf.mul(x, tf.sigmoid(this.conv.forward(x)));
  }
}
`;

const model = `import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { hparam, nn, registerModel } from "convbook";
import { Gate } from "./parts/gate";

// Beside this file, wherever the program was started.
const { classes } = JSON.parse(readFileSync(new URL("classes.json", import.meta.url), "utf8")) as { classes: number };

interface Hparams {
  readonly width?: number;
  readonly numClasses?: number;
}

class Gated extends nn.Module<[x: tf.Tensor4D], tf.Tensor2D> {
  first: nn.Conv2d;
  gate: Gate;
  head: nn.Linear;
  constructor({ width = 2, numClasses = classes }: Hparams) {
    super();
    this.first = new nn.Conv2d(3, width, { kernelSize: 3 });
    this.gate = new Gate(width);
    this.head = new nn.Linear(width, numClasses);
  }
  forward(x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.head.forward(tf.mean(this.gate.forward(this.first.forward(x)), [1, 2]))) as tf.Tensor2D;
  }
}

registerModel("Gated", Gated, { width: hparam.integer(1, 64), numClasses: hparam.integer(1, 64) });
`;

beforeAll(() => {
  if (!existsSync(cli)) {
    throw new Error("This test runs what `npm run build` makes; build first.");
  }
  for (const set of ["train", "val", "test"]) {
    for (const name of ["red", "blue"]) {
      const data = Uint8Array.from({ length: 3 * 64 }, (_, i) => ((i % 3 === 0) === (name === "red") ? 220 : 20));
      mkdirSync(join(root, "data", set, name), { recursive: true });
      for (const i of [0, 1]) {
        writeFileSync(join(root, "data", set, name, `${i}.png`), encodePng({ width: 8, height: 8, channels: 3, data }));
      }
    }
  }
  write("configs/my-model.ts", model);
  write("configs/parts/gate.ts", gate);
  write("configs/classes.json", '{ "classes": 2 }');
  write("configs/gated.yaml", settings("[./my-model.ts]"));
});

describe("model.plugins", () => {
  it("trains, tests and predicts with a model of the user's, found from the configuration's folder", () => {
    const trained = convbook("train", "configs/gated.yaml");
    expect(trained.stderr).not.toMatch(/plugin|error/i);
    expect(trained.status, trained.stderr).toBe(0);
    expect(trained.stdout).toMatch(/^completed: maxEpochs = 1 reached/);

    // The copy in the run's folder lies elsewhere, and says so.
    const file = join(root, "configs/my-model.ts");
    expect(readFileSync(join(root, "run/config.yaml"), "utf8")).toContain(file);
    const tested = convbook("test", "run/config.yaml", "--json");
    expect(tested.status, tested.stderr).toBe(0);
    expect(tested.stderr).toContain(`run/config.yaml: the plugin ${file} lies outside of its folder; it was run.`);
    const { checkpoint } = JSON.parse(tested.stdout);

    const picture = join(root, "data/test/red/0.png");
    const predicted = convbook(
      "predict",
      "--checkpoint",
      checkpoint,
      "--plugin",
      "configs/my-model.ts",
      "--json",
      picture,
    );
    expect(predicted.status, predicted.stderr).toBe(0);
    expect(JSON.parse(predicted.stdout)[0].predictions).toHaveLength(2);
    const unknown = convbook("predict", "--checkpoint", checkpoint, picture);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain(
      "holds a model that is not known here: Gated. Name the file that registers it: --plugin FILE\n",
    );
  });

  it("takes a package that is installed for the configuration", () => {
    write(
      "configs/node_modules/gated-nets/package.json",
      '{ "name": "gated-nets", "type": "module", "exports": "./main.js" }',
    );
    write(
      "configs/node_modules/gated-nets/main.js",
      `import { nn, registerModel } from "convbook";
      registerModel("FromPackage", () => new nn.Sequential(new nn.Flatten(), new nn.Linear(192, 2)), () => ({}));`,
    );
    write("configs/package.yaml", settings("[gated-nets]", "FromPackage"));
    const trained = convbook("train", "configs/package.yaml", "--set", `output=${join(root, "package-run")}`);
    expect(trained.status, trained.stderr).toBe(0);
  });

  it.each([
    ["[./none.ts]", /model\.plugins\[0\] is "\.\/none\.ts", but there is no file .*configs\/none\.ts\.\n$/],
    [
      "[nowhere]",
      /but no package "nowhere" is installed for .*configs; a file is written with \.\/ before its name\.\n$/,
    ],
    ["[./empty.ts]", /empty\.ts cannot be used: it registers no model and no block\.\n$/],
    ["[./broken.ts]", /broken\.ts cannot be used: .*broken\.ts:2: Expected ";" but found "is"\.\n$/],
    [
      "[./throws.ts]",
      /throws\.ts cannot be used: registerModel: name must be another than the library's own, got "ResNet"/,
    ],
    ["[./needs.ts]", /needs\.ts cannot be used: .*needs\.ts:1: Could not resolve "no-such-package"\.\n$/],
    [
      "[]",
      /model\.name must be one of GoogleNet, .*got "Gated"\. A model of your own is registered by a file that model\.plugins/,
    ],
    ["./my-model.ts", /model\.plugins must be a list of texts, got "\.\/my-model\.ts"\.\n$/],
  ])("%s is refused, and named", (plugins, message) => {
    write("configs/empty.ts", "export const nothing = 1;");
    write("configs/broken.ts", "const fine = 1;\nthis is a mistake");
    write(
      "configs/throws.ts",
      'import { nn, registerModel } from "convbook";\nregisterModel("ResNet", nn.Linear as never, {});',
    );
    write("configs/needs.ts", 'import "no-such-package";');
    write("configs/wrong.yaml", settings(plugins));
    const { status, stderr } = convbook("train", "configs/wrong.yaml", "--set", `output=${join(root, "other")}`);
    expect(status, stderr).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n {4}at /);
  });
});
