/** Models with the weights of files that torchvision wrote, and of addresses; the maker of the files is beside them. */
import "@tensorflow/tfjs-backend-cpu";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { base, begin, end, folder, reply, requests } from "../download/testing/server.ts";
import { type ConvNeXt, createModel as create, FeatureList, ImageNetGoogLeNet, type ResNet } from "../models/index.ts";
import { init } from "../nn/index.ts";
import { manualSeed, rand } from "../random/index.ts";
import { createModel, saveCheckpoint, saveSafetensors } from "./index.ts";

const at = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
const expected: Readonly<Record<string, number[][]>> = JSON.parse(readFileSync(at("pretrained.json"), "utf8"));
const dense = { growthRate: 3, blockConfig: [1, 2, 1, 1], numInitFeatures: 4, bnSize: 2 };
const next = { dims: [4, 6, 6, 8], depths: [1, 1, 1, 1] };
let said: string[];

beforeAll(() => tf.setBackend("cpu"));
beforeEach(async () => {
  await begin();
  process.env.CONVBOOK_CACHE = join(folder, "cache");
  said = [];
  vi.spyOn(console, "log").mockImplementation((line: unknown) => said.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
  end();
});

function images(): tf.Tensor4D {
  manualSeed(3);
  const { data } = rand([2, 3, 40, 36]);
  return tf.tidy(() => tf.transpose(tf.tensor4d(data, [2, 3, 40, 36]), [0, 2, 3, 1]));
}

function expectLogits(model: { forward(x: tf.Tensor4D): tf.Tensor2D; eval(): unknown }, name: string): void {
  model.eval();
  const logits = model.forward(images()).arraySync();
  for (const [i, row] of (expected[name] ?? []).entries()) {
    for (const [k, value] of row.entries()) {
      expect(logits[i]?.[k]).toBeCloseTo(value, 4);
    }
  }
}

describe("createModel", () => {
  it("takes weights of a file, with the names that torchvision's published files have", async () => {
    const model = await createModel("densenet121", { ...dense, numClasses: 7, pretrained: at("densenet.pth") });
    expectLogits(model, "densenet.pth");
    expect(said).toEqual([]);
  });

  it("takes them from a dict, from behind wrappers, from safetensors and from an address of a file", async () => {
    const model = await createModel("convnext_tiny", { ...next, numClasses: 6, pretrained: at("convnext.ckpt") });
    expectTypeOf(model).toEqualTypeOf<ConvNeXt>();
    expectLogits(model, "convnext.ckpt");
    const path = join(folder, "weights.safetensors");
    await saveSafetensors(path, model.stateDict());
    for (const pretrained of [path, pathToFileURL(path), pathToFileURL(path).href]) {
      expectLogits(await createModel("convnext_tiny", { ...next, numClasses: 6, pretrained }), "convnext.ckpt");
    }
  });

  it("leaves the head out where numClasses is another, and says so in one line", async () => {
    const pretrained = at("densenet.pth");
    const model = await createModel("densenet121", { ...dense, numClasses: 3, pretrained });
    expect(said).toEqual([
      `densenet121: the head (classifier.weight, classifier.bias) is left out and begins anew: ${pretrained} has 7 classes, numClasses is 3.`,
    ]);
    const [own, whole] = [
      model.stateDict(),
      (await createModel("densenet121", { ...dense, numClasses: 7, pretrained })).stateDict(),
    ];
    for (const [name, value] of own) {
      if (!name.startsWith("classifier")) {
        expect(value.data, name).toEqual(whole.get(name)?.data);
      }
    }
    // As a fresh network's, not zeros.
    expect(own.get("classifier.weight")?.shape).toEqual([3, 6]);
    expect(new Set(Array.from(own.get("classifier.weight")?.data ?? [], Number)).size).toBeGreaterThan(10);
  });

  it("does so for any model, the tutorial's too", async () => {
    const small = { numBlocks: [1], cHidden: [4] };
    const path = join(folder, "resnet.ckpt");
    const trained = create("ResNet", { ...small, numClasses: 10 });
    await saveCheckpoint(path, { state_dict: trained.stateDict() });
    const model = await createModel("ResNet", { ...small, numClasses: 4, pretrained: path });
    expectTypeOf(model).toEqualTypeOf<ResNet>();
    expect(said[0]).toContain("ResNet: the head (output_net.2.weight, output_net.2.bias) is left out");
    expect(model.stateDict().get("blocks.0.net.0.weight")).toEqual(trained.stateDict().get("blocks.0.net.0.weight"));
  });

  it("asks for numClasses where the file's head is another than the default", async () => {
    const pretrained = at("densenet.pth");
    await expect(createModel("densenet121", { ...dense, pretrained })).rejects.toThrow(
      "its head (classifier.weight, classifier.bias) has 7 classes, that of densenet121 has 1000; " +
        "give numClasses: 7 to take it, or numClasses: 1000 to leave it out",
    );
    // The advice, followed.
    expectLogits(await createModel("densenet121", { ...dense, numClasses: 7, pretrained }), "densenet.pth");
    await createModel("densenet121", { ...dense, numClasses: 1000, pretrained });
    expect(said).toHaveLength(1);
  });

  it("lists all that does not fit besides the head, and loads nothing", async () => {
    const pretrained = at("densenet.pth");
    const other = { ...dense, blockConfig: [1, 1, 1, 1], numClasses: 3, pretrained };
    await expect(createModel("densenet121", other)).rejects.toThrow(/unexpected[\s\S]*denselayer2[\s\S]*misshapen/);
    await expect(createModel("resnet18", { numClasses: 7, planes: 1, pretrained })).rejects.toThrow("does not fit");
    await expect(createModel("resnet18", { planes: 1, pretrained: join(folder, "none.pth") })).rejects.toThrow(
      "there is no such file",
    );
  });

  it("leaves out GoogLeNet's further classifiers where there are none", async () => {
    const trained = init.skipInit(() => new ImageNetGoogLeNet({ auxLogits: true, numClasses: 4 }));
    const path = join(folder, "googlenet.safetensors");
    await saveSafetensors(path, trained.stateDict());
    const model = await createModel("googlenet", { numClasses: 4, pretrained: path });
    expect(said).toEqual([`googlenet: aux1, aux2 of ${path} are left out, which the network does without.`]);
    expect(model.stateDict().get("fc.weight")).toEqual(trained.stateDict().get("fc.weight"));
  });

  it("gives features at each stage, with weights or without", async () => {
    const backbone = createModel("convnext_tiny", { ...next, featuresOnly: true, outIndices: [0, 2] });
    expectTypeOf(backbone).toEqualTypeOf<FeatureList>();
    expect(backbone.featureInfo.map(({ numChs }) => numChs)).toEqual([4, 6]);
    const pretrained = at("convnext.ckpt");
    const trained = await createModel("convnext_tiny", { ...next, numClasses: 6, featuresOnly: true, pretrained });
    expectTypeOf(trained).toEqualTypeOf<FeatureList>();
    expect(trained).toBeInstanceOf(FeatureList);
    const whole = (await createModel("convnext_tiny", { ...next, numClasses: 6, pretrained })).eval();
    const last = trained.eval().forward(images()).at(-1);
    expect(last?.arraySync()).toEqual(whole.forwardFeatures(images()).arraySync());
    expect(() => createModel("ResNet", { featuresOnly: true } as never)).toThrow(
      "network must be a network whose stages",
    );
    expect(() => createModel("resnet18", { outIndices: [1] } as never)).toThrow(
      "createModel: outIndices must be left out where featuresOnly is not true",
    );
  });

  it("names what is wrong", async () => {
    expect(() => createModel("resnet18", { sha256: "a" } as never)).toThrow(
      "sha256 must be left out where pretrained is",
    );
    expect(() => createModel("resnet18", { featuresOnly: 3 } as never)).toThrow("featuresOnly must be true or false");
    await expect(createModel("resnet18", { pretrained: 5 } as never)).rejects.toThrow(
      "createModel: pretrained must be the path or the address of a file of weights, got 5.",
    );
    await expect(createModel("resnet18", { pretrained: "a.pth", sha256: "0" })).rejects.toThrow(
      "sha256 must be left out where pretrained is a path",
    );
  });
});

describe("weights from an address", () => {
  const bytes = readFileSync(at("densenet.pth"));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const serve = () => {
    reply.with = (_, response) => response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  };
  const from = (address: string, more: object = {}) =>
    createModel("densenet121", { ...dense, numClasses: 7, pretrained: address, ...more });

  it("are fetched once, compared with sha256", async () => {
    serve();
    expectLogits(await from(`${base}/a/densenet.pth`, { sha256 }), "densenet.pth");
    await from(`${base}/a/densenet.pth`, { sha256: sha256.toUpperCase() });
    expect(requests).toHaveLength(1);
    expect(said).toEqual([]);
    await expect(from(`${base}/b/densenet.pth`, { sha256: "0".repeat(64) })).rejects.toThrow(
      `its SHA-256 is ${sha256}, not ${"0".repeat(64)}`,
    );
    await expect(from(`${base}/a/densenet.pth`, { sha256: "12" })).rejects.toThrow(
      "sha256 must be 64 hexadecimal digits",
    );
  });

  it("say what was found where they are compared with nothing, each time", async () => {
    serve();
    const line = `densenet121: the weights of ${new URL(base).host} are compared with nothing. Their SHA-256 is ${sha256}: given as sha256, later downloads are compared with it.`;
    await from(`${base}/densenet.pth?download=true`);
    await from(`${base}/densenet.pth?download=true`);
    expect(said).toEqual([line, line]);
    expect(requests).toHaveLength(1);
  });

  it("are compared with the digits at the end of their name, as torchvision's have them", async () => {
    serve();
    await from(`${base}/densenet-${sha256.slice(0, 8)}.pth`);
    expect(said).toEqual([]);
    await expect(from(`${base}/densenet-12345678.pth`)).rejects.toThrow(`its SHA-256 is ${sha256}, not 12345678…`);
    expect(existsSync(join(folder, "cache", "weights"))).toBe(true);
  });

  it("are fetched again where those in the cache are broken", async () => {
    serve();
    const address = `${base}/densenet-${sha256.slice(0, 8)}.pth`;
    await from(address);
    const place = createHash("sha256").update(address).digest("hex").slice(0, 16);
    writeFileSync(join(folder, "cache", "weights", place, `densenet-${sha256.slice(0, 8)}.pth`), "broken");
    expectLogits(await from(address), "densenet.pth");
    expect(requests).toHaveLength(2);
  });

  it("come from a mirror, without the network", async () => {
    const mirror = join(folder, "mirror");
    mkdirSync(join(mirror, "weights"), { recursive: true });
    writeFileSync(join(mirror, "weights", "densenet.pth"), bytes);
    process.env.CONVBOOK_MIRROR = mirror;
    process.env.CONVBOOK_OFFLINE = "1";
    expectLogits(await from("https://example.invalid/densenet.pth", { sha256 }), "densenet.pth");
    await expect(from("https://example.invalid/other.pth")).rejects.toThrow(
      /^other\.pth is neither in the cache \(.*\) nor in a mirror folder, and CONVBOOK_OFFLINE is set\.$/,
    );
    expect(requests).toEqual([]);
  });

  it("say which addresses were tried, and try again where the connection breaks", async () => {
    reply.with = (_, response) => response.writeHead(404).end();
    await expect(from(`${base}/gone.pth`)).rejects.toThrow(
      `Cannot download gone.pth. Tried ${base}/gone.pth: the server answered with status 404.`,
    );
    let calls = 0;
    reply.with = (_, response) => {
      calls += 1;
      response.writeHead(200, { "content-length": bytes.length });
      if (calls === 1) {
        response.write(bytes.subarray(0, 1000), () => response.destroy());
      } else {
        response.end(bytes);
      }
    };
    expectLogits(await from(`${base}/late.pth`, { sha256 }), "densenet.pth");
    expect(calls).toBe(2);
  });
});
