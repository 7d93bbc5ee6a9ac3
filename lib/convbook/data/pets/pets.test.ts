import { createHash } from "node:crypto";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Header, type HeaderData } from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadManifest } from "../../download/index.ts";
import fixture from "../fixtures/pets.json" with { type: "json" };
import { DataLoader, OxfordIIITPet, oxfordIIITPet, transforms } from "../index.ts";
import { unpackPets } from "./prepare.ts";

const { archives, expected } = fixture;
const parts = ["images", "annotations"] as const;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "convbook-pets-"));
  for (const part of parts) {
    const archive = join(root, `${part}.tar.gz`);
    await writeFile(archive, Buffer.from(archives[part], "base64"));
    // Two at once, as two programs may.
    await Promise.all([1, 2].map(() => unpackPets(archive, part, join(root, "oxford-iiit-pet"))));
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

const digest = ({ shape, data }: { shape: readonly number[]; data: Uint8Array }) => [
  shape.at(-1) === 1 ? shape.slice(0, 2) : shape,
  createHash("sha256").update(data).digest("hex"),
];

describe("Oxford-IIIT Pet", () => {
  test.each(["trainval", "test"] as const)("%s has torchvision's images, order, numbers and names", async (split) => {
    const data = await OxfordIIITPet.open(root, { split, targetTypes: ["category", "segmentation"], transform: null });
    const { classes, samples } = expected[split];
    expect(data.classes).toEqual(classes);
    expect(data).toHaveLength(samples.length);
    for (const [i, sample] of samples.entries()) {
      const [image, [category, outline]] = data.get(i);
      expect(category).toBe(sample.category);
      expect(digest(outline)).toEqual(sample.segmentation);
      expect(image.shape).toEqual(sample.image[0]);
      // JPEGs of the libraries differ in no byte here; one of the files is a PNG with a JPEG's name.
      expect(digest(image as { shape: readonly number[]; data: Uint8Array })).toEqual(sample.image);
    }
    expect(() => data.get(samples.length)).toThrow(`OxfordIIITPet (${split}) has no sample ${samples.length}`);
  });

  test("gives one target as itself, also the species", async () => {
    const breeds = await OxfordIIITPet.open(root, { transform: null });
    expect(breeds.get(2)[1]).toBe(2);
    const species = await OxfordIIITPet.open(root, { targetTypes: "binary-category", transform: null });
    expect(Array.from({ length: 4 }, (_, i) => species.get(i)[1])).toEqual([0, 0, 1, 1]);
    expect(species.binaryClasses).toEqual(["Cat", "Dog"]);
    const outlines = await OxfordIIITPet.open(join(root, "oxford-iiit-pet"), { targetTypes: "segmentation" });
    expect(digest(outlines.get(1)[1])).toEqual(expected.trainval.samples[1]?.segmentation);
  });

  test.each(["category", "binary-category"] as const)("worker threads read it with %s", async (targetTypes) => {
    const transform = new transforms.Compose([new transforms.Resize([8, 8]), new transforms.ToTensor()]);
    const data = await OxfordIIITPet.open(root, { targetTypes, transform });
    expect(data.shipment()?.source.kind).toBe("transformed");
    const loader = new DataLoader(data, { batchSize: 8, numWorkers: 1 });
    for await (const [images, labels] of loader) {
      expect(images.shape).toEqual([8, 8, 8, 3]);
      expect([...labels.dataSync()]).toEqual([...(targetTypes === "category" ? data.targets : data.binaryTargets)]);
    }
    const outlines = await OxfordIIITPet.open(root, { targetTypes: "segmentation" });
    expect(outlines.shipment()).toBeUndefined();
  });

  test("the manifest's hashes and sizes are those that were published", () => {
    // Sizes and SHA-256 beside torchvision's MD5 5c4f3ee8e5d25df40f4fd59a7f44e54c and 95a8c909bbe2e81eed6a22bccdf3f68f.
    const { files } = loadManifest("oxford-iiit-pet");
    expect(files.map(({ path, size, sha256 }) => [path, size, sha256.slice(0, 8)])).toEqual([
      ["images.tar.gz", 791_918_971, "67195c5e"],
      ["annotations.tar.gz", 19_173_078, "52425fb6"],
    ]);
  });

  test("a mirror without the published bytes gives nothing, and nothing is unpacked", async () => {
    const mirror = join(root, "mirror");
    await mkdir(join(mirror, "oxford-iiit-pet"), { recursive: true });
    for (const part of parts) {
      const name = `${part}.tar.gz`;
      await writeFile(join(mirror, "oxford-iiit-pet", name), await readFile(join(root, name)));
    }
    const cache = join(root, "cache");
    await expect(oxfordIIITPet({ mirror, cache, offline: true })).rejects.toThrow(/annotations\.tar\.gz/);
    expect(existsSync(join(cache, "oxford-iiit-pet", "annotations"))).toBe(false);
  });
});

/** A tar archive, with whatever heads the test wants. */
function tar(entries: readonly (HeaderData & { readonly content?: Uint8Array })[]): Buffer {
  const pieces = entries.flatMap(({ content = new Uint8Array(0), ...data }) => {
    const head = Buffer.alloc(512);
    new Header({ mode: 0o644, type: "File", size: content.length, ...data }).encode(head, 0);
    return [head, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...pieces, Buffer.alloc(1024)]));
}

describe("what is not the data set", () => {
  const good = { path: "images/Abyssinian_1.jpg", content: Buffer.from("a") };

  test.each([
    [
      "a link",
      { path: "images/a_1.jpg", type: "SymbolicLink" as const, linkpath: "/etc" },
      "is no file in it but a SymbolicLink",
    ],
    ["a path out", { path: "images/../../a_1.jpg" }, 'it contains the segment ".."'],
    ["a name twice", good, "is in it twice"],
  ])("an archive with %s is refused", async (_, entry, message) => {
    const archive = join(root, "bad.tar.gz");
    await writeFile(archive, tar([good, entry]));
    await expect(unpackPets(archive, "images", join(root, "bad"))).rejects.toThrow(message);
    expect(existsSync(join(root, "bad", "images"))).toBe(false);
  });

  test("only images, lists, outlines and boxes are unpacked", () => {
    const files = (readdirSync(join(root, "oxford-iiit-pet"), { recursive: true }) as string[])
      .filter((name) => statSync(join(root, "oxford-iiit-pet", name)).isFile())
      .map((name) => name.replaceAll("\\", "/"));
    expect(files).toHaveLength(12 + 12 + 2 + 1);
    expect(files).toEqual(expect.arrayContaining(["annotations/xmls/Abyssinian_1.xml", "annotations/test.txt"]));
  });

  test.each([
    ["../../etc/passwd 1 1 1", "line 1"],
    ["Abyssinian_1 1 1 1\nAbyssinian_2 0 1 1", 'line 2, "Abyssinian_2 0 1 1", is not an image\'s name'],
    ["Abyssinian_1 1 3 1", "1 (cat) or 2 (dog)"],
    ["Abyssinian_1 1 1 1\nBengal_1 1 1 1", 'line 2, "Bengal_1 1 1 1", gives breed 1 another name than "Abyssinian"'],
    ["", "line 1"],
  ])("a list %j is refused by its line", async (text, message) => {
    const folder = await mkdtemp(join(root, "list-"));
    await mkdir(join(folder, "images"));
    await mkdir(join(folder, "annotations"));
    await writeFile(join(folder, "annotations", "trainval.txt"), text);
    await expect(OxfordIIITPet.open(folder)).rejects.toThrow(message);
  });

  test("folders that are missing, outlines that are none, and options are named", async () => {
    await expect(OxfordIIITPet.open(join(root, "cache"))).rejects.toThrow(
      "has no folder images; oxfordIIITPet() fetches",
    );
    const outline = join(root, "oxford-iiit-pet", "annotations", "trimaps", "Egyptian_Mau_2.png");
    const before = await readFile(outline);
    await writeFile(outline, await readFile(join(root, "oxford-iiit-pet", "images", "Abyssinian_5.jpg")));
    const data = await OxfordIIITPet.open(root, { split: "test", targetTypes: "segmentation" });
    expect(() => data.get(1)).toThrow("Egyptian_Mau_2.png is no outline: it has other numbers than 1, 2 and 3.");
    await writeFile(outline, before);
    const bad = (options: object) => OxfordIIITPet.open(root, options as never);
    await expect(bad({ targetTypes: "segmentatoin" })).rejects.toThrow(
      '(did you mean "segmentation"?), got "segmentatoin"',
    );
    await expect(bad({ targetTypes: [] })).rejects.toThrow(
      "targetTypes must be category, binary-category, segmentation",
    );
    await expect(bad({ split: "train" })).rejects.toThrow('split must be "trainval" or "test", got "train"');
    await expect(bad({ splits: "test" })).rejects.toThrow('has no option "splits". Did you mean "split"?');
    await expect(oxfordIIITPet({ mirrors: "x" } as never)).rejects.toThrow('Did you mean "mirror"?');
  });
});
