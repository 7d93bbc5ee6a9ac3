/** The story of CONTRIBUTING.md, step by step: its files are written into an empty folder, and its commands are run there. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "convbook-contributing-")));
afterAll(() => rmSync(folder, { recursive: true }));

/** The blocks that name a file, by it, and the commands of the story. */
const files = new Map(
  [...text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(([, path = "", code = ""]) => [path, code]),
);
const commands = (/^```sh\n([\s\S]*?)^```$/m.exec(text)?.[1] ?? "").trim().split("\n");

function run(command: string, args: readonly string[]) {
  const env = { ...process.env, NO_COLOR: "1", CONVBOOK_BACKEND: "cpu" };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env });
  return { status, output: stdout + stderr };
}

describe("Add a network: a squeeze-and-excitation ResNet", () => {
  beforeAll(() => {
    for (const [path, code] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), code);
    }
    // What a clone has beside them.
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const lib = JSON.stringify(join(root, "lib/**/*.ts"));
    const config = readFileSync(join(root, "tsconfig.json"), "utf8").replace('"include": [', `"include": [${lib}, `);
    writeFileSync(join(folder, "tsconfig.json"), config);
    const { vcs: _, ...biome } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
    writeFileSync(join(folder, "biome.json"), JSON.stringify(biome));
    for (const plugin of biome.plugins) {
      mkdirSync(dirname(join(folder, plugin)), { recursive: true });
      copyFileSync(join(root, plugin), join(folder, plugin));
    }
  });

  it("is two files and a configuration, without a cast", () => {
    const names = ["networks/se-resnet.ts", "networks/se-resnet.test.ts", "networks/se-resnet.yaml"];
    expect([...files.keys()]).toEqual(names);
    expect(files.get("networks/se-resnet.ts")).not.toMatch(/\bas (?!tf from)|\bany\b|@ts-|biome-ignore/);
    expect(files.get("networks/se-resnet.ts")).toContain("forward(x: tf.Tensor4D): tf.Tensor4D {");
    expect(commands).toHaveLength(3);
  });

  it.each(commands)("%s", (command) => {
    const [program = "", ...args] = command.split(" ");
    const { status, output } = run(program, args);
    expect(status, output).toBe(0);
    if (command.includes("vitest")) {
      expect(output).toMatch(/Tests {2}3 passed \(3\)/);
    }
  });

  it("its configuration is read, and its model is known by it", () => {
    const entry = pathToFileURL(join(root, "lib/convbook/dist/index.js")).href;
    if (!existsSync(new URL(entry))) {
      throw new Error("This test runs what `npm run build` makes; build first.");
    }
    const program = `const { experiment, modelNames } = await import(${JSON.stringify(entry)});
      const { model } = await experiment.loadConfig("networks/se-resnet.yaml");
      experiment.checkExperiment(await experiment.loadConfig("networks/se-resnet.yaml"), "networks/se-resnet.yaml");
      console.log(JSON.stringify([model.name, modelNames().includes("SEResNet")]));`;
    const { status, output } = run(process.execPath, ["--input-type=module", "-e", program]);
    expect(status, output).toBe(0);
    expect(output).toContain('["SEResNet",true]\n');
  });
});
