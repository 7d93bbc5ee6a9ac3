/** Figures in a notebook: for front-ends that draw them, and as a picture and a sentence for all others; curves of runs. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KernelUnderTest, pythonHas, type Result, root } from "./harness.ts";

const logs = join(root, "../shared/data/uva-tutorial5/tensorboards");
if (!existsSync(logs)) {
  console.log(
    "The tutorial's event files are not in ../shared/data/uva-tutorial5/tensorboards; their test is left out.",
  );
}

/** What stands in a notebook by each display id, after all updates. */
function standing(...results: Result[]) {
  const outputs = new Map<string, { data: Record<string, string>; metadata: Record<string, unknown> }>();
  for (const { type, content } of results.flatMap(({ events }) => events)) {
    if (type === "display_data" || type === "update_display_data") {
      outputs.set(content.transient.display_id, content);
    }
  }
  return [...outputs.values()];
}

const pngStart = Buffer.from([0x89, 0x50, 0x4e, 0x47]).toString("base64").slice(0, 5);
const spec = {
  title: "Loss",
  data: { values: [{ x: 1, y: 2 }] },
  mark: "point",
  encoding: { x: { field: "x" }, y: { field: "y" } },
};

describe.runIf(pythonHas("jupyter_client"))("figures", () => {
  let kernel: KernelUnderTest;
  let folder: string;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "figures-"));
    kernel = await KernelUnderTest.start({ folder });
  });
  afterEach(async () => {
    await kernel.close();
    rmSync(folder, { recursive: true });
  });

  it("shows a Vega-Lite figure also as a picture, in its place among the outputs", async () => {
    const code = `display.vegaLite(${JSON.stringify(spec)}); console.log("after");`;
    for (const first of [true, false]) {
      const result = await kernel.execute(code);
      const [{ data, metadata }] = standing(result) as [ReturnType<typeof standing>[number]];
      expect(data["application/vnd.vegalite.v5+json"]).toEqual(spec);
      expect(data["image/png"]?.startsWith(pngStart)).toBe(true);
      expect(data["text/plain"]).toBe("Loss");
      expect(metadata["image/png"]).toMatchObject({ alt: "Loss" });
      const types = result.events.map(({ type }) => type).filter((type) => /display|stream/.test(type));
      expect(types.indexOf("display_data")).toBeLessThan(types.indexOf("stream"));
      // The first has its picture once convbook is loaded; the next ones at once.
      expect(types.includes("update_display_data")).toBe(first);
    }
  });

  it("shows a Plotly figure also as a picture, typed arrays as numbers", async () => {
    const result = await kernel.execute(
      'display.plotly({ data: [{ type: "scatter", x: new Float32Array([1, 2]), y: [3, 4] }], layout: {} }, { alt: "It rises" })',
    );
    const [{ data }] = standing(result) as [ReturnType<typeof standing>[number]];
    expect(data["application/vnd.plotly.v1+json"]).toEqual({
      data: [{ type: "scatter", x: [1, 2], y: [3, 4] }],
      layout: {},
    });
    expect(data["image/png"]?.startsWith(pngStart)).toBe(true);
    expect(data["text/plain"]).toBe("It rises");
  });

  it("shows a figure that cannot be drawn here for those that can", async () => {
    const [{ data }] = standing(await kernel.execute('display.vegaLite({ data: { url: "x.csv" }, mark: "line" })')) as [
      ReturnType<typeof standing>[number],
    ];
    expect(data).toEqual({
      "application/vnd.vegalite.v5+json": { data: { url: "x.csv" }, mark: "line" },
      "text/plain": "Vega-Lite figure",
    });
  });

  it("does not put the picture over what was shown in the figure's place", async () => {
    const fresh = await KernelUnderTest.start();
    try {
      const result = await fresh.execute(`display.vegaLite(${JSON.stringify(spec)}).update("replaced");`);
      expect(standing(result).map(({ data }) => data)).toEqual([{ "text/plain": "'replaced'" }]);
    } finally {
      await fresh.close();
    }
  });

  it.runIf(existsSync(logs))("shows the curves of a folder of runs", async () => {
    const result = await kernel.execute(`%load_ext tensorboard\n%tensorboard --logdir ${logs}/GoogleNet/`);
    expect(result.reply.content.status).toBe("ok");
    const [{ data }] = standing(result) as [ReturnType<typeof standing>[number]];
    expect(Object.keys(data)).toEqual(["application/vnd.vegalite.v5+json", "image/png", "text/plain"]);
    const text = data["text/plain"] as string;
    expect([...text.matchAll(/"(\S+)" of values over step: GoogleNet ends/g)].map(([, tag]) => tag)).toEqual([
      "lr-AdamW",
      "test_acc",
      "train_acc",
      "train_loss",
      "val_acc",
    ]);
  });

  it("follows a run of a later cell in the cell that shows it", async () => {
    const board = await kernel.execute('const logs = "runs";\n%tensorboard --logdir {logs}');
    const convbook = pathToFileURL(join(root, "lib/convbook/dist/tensorboard/index.js")).href;
    const train = await kernel.execute(
      `const { SummaryWriter } = await import("${convbook}");\nconst writer = new SummaryWriter(logs + "/a");\nwriter.addScalar("loss", 0.125, 1); writer.flush(); 0`,
    );
    const shown = standing(board, train);
    expect(shown).toHaveLength(1);
    expect(shown[0]?.data["text/plain"]).toContain('"loss" of values over step: a ends at 0.125');
    expect(train.events.find(({ type }) => type === "update_display_data")?.parent).toBe(board.id);
  });

  it("knows no other extension of IPython", async () => {
    const { reply } = await kernel.execute("%load_ext autoreload");
    expect(reply.content.evalue).toBe(
      "%load_ext: there is no package autoreload here. It takes modules that export loadExtension; extensions of IPython are Python",
    );
  });
});
