/** The guides of the site: each code sample runs, each configuration is read, and each setting of a configuration has its line. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as convbook from "../../lib/convbook/index.ts";
import { parseConfig } from "../../lib/convbook/training/experiment/index.ts";
import { runNotebook } from "../../lib/runner/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-guides-"));
symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
afterAll(() => rmSync(folder, { recursive: true }));
const guides = readdirSync(join(root, "lib/site/guides")).sort();
const textOf = (guide: string) => readFileSync(join(root, "lib/site/guides", guide), "utf8");
const samples = (text: string, language: string): readonly string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code = ""]) => code);

describe("the guides", () => {
  it("have samples in languages that are tried here, or that the shell runs", () => {
    const languages = guides.flatMap((guide) =>
      [...textOf(guide).matchAll(/^```(\w*)\n[\s\S]*?^```$/gm)].map(([, name]) => name),
    );
    expect(new Set(languages)).toEqual(new Set(["sh", "ts", "yaml", "js"]));
  });

  it("have code whose lines are not cut off in the column of a window of 1280 pixels", () => {
    const long = guides.flatMap((guide) =>
      [...textOf(guide).matchAll(/^```\w+\n([\s\S]*?)^```$/gm)]
        .flatMap(([, code = ""]) => code.split("\n"))
        .filter((line) => line.length > 72)
        .map((line) => `${guide}: ${line}`),
    );
    expect(long).toEqual([]);
  });

  it.each(guides.filter((guide) => samples(textOf(guide), "ts").length > 0))(
    "%s: its samples run, top to bottom",
    async (guide) => {
      const code = samples(textOf(guide), "ts");
      const path = join(folder, guide.replace(/md$/, "ipynb"));
      const cells = code.map((source, i) => ({
        cell_type: "code",
        id: `sample-${i}`,
        metadata: {},
        outputs: [],
        execution_count: null,
        source,
      }));
      const kernelspec = { name: "convbook", display_name: "TypeScript (Convbook)", language: "typescript" };
      writeFileSync(path, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
      const result = await runNotebook(path, { kernelDir: join(root, "lib/kernel/kernelspec"), cwd: folder });
      expect(result.cells.find(({ failure }) => failure !== undefined)?.failure).toBeUndefined();
      expect(result.status).toBe("passed");
      // What a sample says in a comment is what it prints.
      for (const [i, source] of code.entries()) {
        const [, said] = /console\.log\(.*\); \/\/ (.*)\n/.exec(source) ?? [];
        if (said !== undefined) {
          const { outputs = [] } = result.notebook.cells.filter(({ cell_type }) => cell_type === "code")[
            i
          ] as never as { outputs?: unknown[] };
          expect([i, JSON.stringify(outputs)]).toEqual([i, expect.stringContaining(JSON.stringify(said).slice(1, -1))]);
        }
      }
    },
  );

  it("name what is there where one comes from PyTorch, timm or TensorFlow.js", () => {
    const [text = ""] = textOf("coming-from.md").split("\n## tslab");
    const here = [...text.matchAll(/^\|.*\| (.*) \|$/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code),
    );
    const scope = {
      ...convbook,
      tf,
      model: convbook.nn.Conv2d.prototype,
      optimizer: convbook.optim.SGD.prototype,
      this: convbook.TrainingModule.prototype,
    };
    const called = here.flatMap((code) =>
      [...code.matchAll(/(?<![\w.])([a-z]\w*(?:\.\w+)*)\(/g)].map(([, path]) => path),
    );
    const named = here.filter((code) => /^(?:nn|tf|transforms)\.[\w.]+$/.test(code));
    const lost = [...called, ...named].filter((path = "") => {
      const value = path
        .split(".")
        .reduce((of: unknown, key) => (of as Record<string, unknown> | undefined)?.[key], scope);
      return value === undefined;
    });
    expect(called.length).toBeGreaterThan(15);
    expect(lost).toEqual([]);
    // What is taken out of a result is in it.
    const layer = new convbook.nn.Linear(1, 1);
    const result = convbook.valueAndGrads(() => tf.sum(layer.forward(tf.ones([1, 1]))), [layer.weight.variable]);
    expect(here.join("\n")).toContain(`const { ${Object.keys(result).join(", ")} } = valueAndGrads(`);
  });

  it("show configurations that are read", () => {
    const [config = ""] = samples(textOf("train-from-yaml.md"), "yaml");
    expect(parseConfig(config)).toMatchObject({ model: { name: "ResNet" }, trainer: { maxEpochs: 180 } });
    for (const guide of guides) {
      for (const sample of samples(textOf(guide), "yaml")) {
        expect(parse(sample), guide).toBeTypeOf("object");
      }
    }
  });

  it.each([
    ["", "nope: 1"],
    ["data", "data: { nope: 1 }"],
    ["model", "model: { nope: 1 }"],
    ["trainer", "trainer: { nope: 1 }"],
    ["checkpoint", "checkpoint: { nope: 1 }"],
    ["earlyStopping", "earlyStopping: { nope: 1 }"],
    ["optimizer", "optimizer: { name: nope }"],
    ["scheduler", "scheduler: { name: nope }"],
  ])("explain all settings: %s", (_, wrong) => {
    let message = "";
    try {
      parseConfig(wrong);
    } catch (error) {
      message = (error as Error).message;
    }
    const names = /(?:Settings: |one of )(.*?)(?:\.$|, got)/.exec(message)?.[1]?.split(", ") ?? [];
    expect(names.length, message).toBeGreaterThan(2);
    const text = textOf("train-from-yaml.md");
    expect(names.filter((name) => !new RegExp(`\`(\\w+\\.)?${name}(: |\`)`).test(text))).toEqual([]);
  });
});
