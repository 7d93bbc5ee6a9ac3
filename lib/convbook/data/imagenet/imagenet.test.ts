import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Header, type HeaderData } from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import fixture from "../fixtures/imagenet.json" with { type: "json" };
import { readMat } from "../formats/mat.ts";
import { ImageNet, prepareImageNet } from "../index.ts";
import { unpackImagenette } from "./imagenette.ts";
import { readMeta } from "./prepare.ts";

const { archives, expected } = fixture;
const bytesOf = (text: string): Buffer => Buffer.from(text, "base64");
type ArchiveName = keyof typeof archives;
const TRAIN = "ILSVRC2012_img_train.tar";
const VAL = "ILSVRC2012_img_val.tar";
const KIT = "ILSVRC2012_devkit_t12.tar.gz";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "convbook-imagenet-"));
  for (const name of Object.keys(archives) as ArchiveName[]) {
    await writeFile(join(root, name), bytesOf(archives[name]));
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** A tar archive, with whatever heads the test wants. */
function tar(entries: readonly (HeaderData & { readonly content?: Uint8Array })[]): Buffer {
  const pieces = entries.flatMap(({ content = new Uint8Array(0), ...data }) => {
    const head = Buffer.alloc(512);
    new Header({ mode: 0o644, type: "File", size: content.length, ...data }).encode(head, 0);
    return [head, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

const files = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((name) => statSync(join(folder, name)).isFile()).sort();

describe("ImageNet's archives", () => {
  test.each(["train", "val"] as const)("become torchvision's classes, numbers and order (%s)", async (split) => {
    const data = await ImageNet.open(root, { split, transform: null });
    const { wnids, classes, images } = expected[split];
    expect(data.wnids).toEqual(wnids);
    expect(data.classes).toEqual(classes);
    expect(data.images.files.map((file, i) => [`${split}/${file}`, data.images.targets[i]])).toEqual(images);
    expect(data.classIndex("Vulpes macrotis")).toBe(1);
    expect(data.classIndex("fox")).toBeUndefined();
    // Each image has the colour that its name gives.
    for (let i = 0; i < data.length; i++) {
      const name = data.images.files[i]?.split("/").at(-1)?.replace(".JPEG", "") ?? "";
      const colour = [...createHash("sha256").update(name).digest().subarray(0, 3)];
      const [image, label] = data.get(i);
      expect([image.shape, label]).toEqual([[10, 12, 3], images[i]?.[1]]);
      for (let c = 0; c < 3; c++) {
        expect(Math.abs((image.data[c] as number) - (colour[c] as number))).toBeLessThan(6);
      }
    }
  });

  test("leave what torchvision reads, and an index of the classes; afterwards they are not needed", async () => {
    const seen: string[] = [];
    const meta = await prepareImageNet(root, { onImage: (path) => seen.push(path) });
    expect(seen.sort()).toEqual([...expected.train.images, ...expected.val.images].map(([path]) => path).sort());
    const index = JSON.parse(readFileSync(join(root, "imagenet_class_index.json"), "utf8"));
    expect(index).toEqual({ 0: ["n01440764", "tench"], 1: ["n02119789", "kit_fox"], 2: ["n03445777", "golf_ball"] });
    await writeFile(join(root, "theirs.bin"), bytesOf(fixture.metaBin));
    expect(await readMeta(join(root, "theirs.bin"))).toEqual(meta);
    expect(await readMeta(join(root, "meta.bin"))).toEqual(meta);
    for (const name of Object.keys(archives)) {
      await rm(join(root, name));
    }
    expect(await prepareImageNet(root)).toEqual(meta);
    expect((await ImageNet.open(root)).length).toBe(4);
    expect(readdirSync(root).sort()).toEqual(["imagenet_class_index.json", "meta.bin", "theirs.bin", "train", "val"]);
  });

  test("interrupted, leave no folder under its name, and go on where they stopped", async () => {
    const stop = new AbortController();
    const onImage = (path: string): void => {
      if (path === "train/n01440764/n01440764_1.JPEG") {
        stop.abort(new Error("enough"));
      }
    };
    // Read in one piece, the archive is unpacked to its end before anybody looks: a class of much data stands behind.
    const inner = (name: string, content = Buffer.alloc(12 << 20, 1)) => tar([{ path: `${name}.JPEG`, content }]);
    const train = tar([
      { path: "n01440764.tar", content: inner("n01440764_1", Buffer.from("first")) },
      { path: "n02119789.tar", content: inner("n02119789_3") },
      { path: "n03445777.tar", content: inner("n03445777_7") },
    ]);
    await writeFile(join(root, TRAIN), train);
    await expect(prepareImageNet(root, { splits: ["train"], onImage, signal: stop.signal })).rejects.toThrow("enough");
    expect(existsSync(join(root, "train"))).toBe(false);
    const partial = join(root, "train.partial");
    expect(files(partial)).toEqual([".source.json", "n01440764/n01440764_1.JPEG"]);
    const before = statSync(join(partial, "n01440764/n01440764_1.JPEG"));
    await prepareImageNet(root, { splits: ["train"] });
    const after = statSync(join(root, "train/n01440764/n01440764_1.JPEG"));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(files(join(root, "train"))).toHaveLength(3);
    expect(existsSync(partial)).toBe(false);
  });

  test("another than the one that was begun begins anew", async () => {
    await mkdir(join(root, "val.partial", "n01440764"), { recursive: true });
    await writeFile(join(root, "val.partial", "n01440764", "foreign.JPEG"), "x");
    await writeFile(join(root, "val.partial", ".source.json"), '{"size":1,"mtimeMs":1}');
    await prepareImageNet(root, { splits: ["val"] });
    expect(files(join(root, "val")).map((path) => `val/${path}`)).toEqual(
      expected.val.images.map(([path]) => path).sort(),
    );
  });

  test("two processes' worth of calls at once unpack them once", async () => {
    let images = 0;
    const options = { onImage: () => void images++ };
    const [a, b] = await Promise.all([prepareImageNet(root, options), prepareImageNet(root, options)]);
    expect([a, images]).toEqual([b, 9]);
  });
});

describe("archives that are not as they should be are named, and nothing of them is left under a final name", () => {
  const image = { path: "n01440764_1.JPEG", content: Buffer.from("x") };
  const classes = ["n01440764", "n02119789", "n03445777"];
  const training = (inner: Buffer): Buffer => tar(classes.map((wnid) => ({ path: `${wnid}.tar`, content: inner })));

  test.each<[string, Buffer, string]>([
    [
      "a link in a class",
      training(tar([{ path: "a.JPEG", type: "SymbolicLink", linkpath: "/etc/passwd" }])),
      'n01440764.tar: "a.JPEG" is no file in it but a SymbolicLink, which is not unpacked.',
    ],
    [
      "a hard link",
      training(tar([{ path: "a.JPEG", type: "Link", linkpath: "../../meta.bin" }])),
      'n01440764.tar: "a.JPEG" is no file in it but a Link',
    ],
    [
      "a path out of the class",
      training(tar([{ ...image, path: "../../../escaped.JPEG" }])),
      'n01440764.tar: "../../../escaped.JPEG" cannot be unpacked below a folder: it contains the segment "..".',
    ],
    [
      "an absolute path",
      training(tar([{ ...image, path: "/tmp/escaped.JPEG" }])),
      'n01440764.tar: "/tmp/escaped.JPEG" cannot be unpacked below a folder: it is absolute.',
    ],
    [
      "a Windows path",
      training(tar([{ ...image, path: "..\\escaped.JPEG" }])),
      'n01440764.tar: "..\\\\escaped.JPEG" cannot be unpacked below a folder: it contains a backslash.',
    ],
    [
      "an image twice",
      training(tar([image, { ...image, path: image.path.toLowerCase() }])),
      'n01440764.tar: "n01440764/n01440764_1.jpeg" is in it twice.',
    ],
    [
      "a compressed class",
      training(gzipSync(tar([{ path: "a.JPEG", content: Buffer.alloc(1 << 20) }]))),
      "n01440764.tar: its files have more bytes than it has: it is compressed or broken.",
    ],
    ["a class of no archive", training(Buffer.alloc(3000, 7)), "n01440764.tar: not a whole .tar: "],
    [
      "an image of a terabyte",
      training(tar([{ path: "a.JPEG", size: 2 ** 40 }])),
      'n01440764.tar: "a.JPEG" has 1099511627776 bytes; at most 268435456 are believed.',
    ],
    [
      "a class that is none",
      tar([{ path: "n99999999.tar", content: tar([image]) }]),
      '"n99999999.tar" is the archive of no class in the development kit.',
    ],
    [
      "a class twice",
      tar([1, 2].map(() => ({ path: "n01440764.tar", content: tar([image]) }))),
      "n01440764.tar is in it twice.",
    ],
    [
      "classes that lack",
      tar([{ path: "n01440764.tar", content: tar([image]) }]),
      "it lacks 2 of 3 classes, the first of them n02119789.",
    ],
    [
      "a link for a class",
      tar([{ path: "n01440764.tar", type: "SymbolicLink", linkpath: "/etc" }]),
      '"n01440764.tar" is no file in it but a SymbolicLink',
    ],
    ["the whole compressed", gzipSync(bytesOf(archives[TRAIN])), "it is not an uncompressed .tar."],
    ["the whole cut off", bytesOf(archives[TRAIN]).subarray(0, 5000), "not a whole .tar: "],
  ])("%s", async (_, bytes, message) => {
    await writeFile(join(root, TRAIN), bytes);
    const preparing = prepareImageNet(root, { splits: ["train"] });
    await expect(preparing).rejects.toThrow(message);
    await expect(preparing).rejects.toThrow(`${join(root, TRAIN)}: `);
    expect(existsSync(join(root, "train"))).toBe(false);
    expect(existsSync("/tmp/escaped.JPEG") || existsSync(join(root, "..", "escaped.JPEG"))).toBe(false);
    // Whole again, it is unpacked.
    await writeFile(join(root, TRAIN), bytesOf(archives[TRAIN]));
    await prepareImageNet(root, { splits: ["train"] });
    expect(files(join(root, "train"))).toHaveLength(4);
  });

  test("validation images of another number than the kit's", async () => {
    await writeFile(join(root, VAL), tar([image]));
    await expect(prepareImageNet(root)).rejects.toThrow("it has 1 images, and the development kit knows of 5.");
  });

  test("archives that are missing, with what to do", async () => {
    await rm(join(root, VAL));
    await expect(ImageNet.open(root, { split: "val" })).rejects.toThrow(
      `${root} has neither the folder val, which is made of ${VAL}, nor that archive; it is had from https://image-net.org/challenges/LSVRC/2012/ after registering.`,
    );
    await rm(join(root, KIT));
    await rm(join(root, "meta.bin"), { force: true });
    await expect(ImageNet.open(root)).rejects.toThrow(
      `${root} has neither meta.bin, which is made of ${KIT}, nor that archive`,
    );
    await expect(prepareImageNet(join(root, "none"))).rejects.toThrow(
      "none is no folder; ImageNet's archives must lie in one.",
    );
  });

  test("archives that are not the published ones, when that is asked for", async () => {
    await expect(prepareImageNet(root, { verify: true })).rejects.toThrow(
      /devkit_t12\.tar\.gz: its MD5 is [0-9a-f]{32}, and that of the published archive is fa75699e90414af021442c21a62c3abf\.$/,
    );
  });

  test("a folder that is no class", async () => {
    await prepareImageNet(root);
    await mkdir(join(root, "val", "n00000000"));
    await writeFile(join(root, "val", "n00000000", "a.JPEG"), "x");
    await expect(ImageNet.open(root, { split: "val" })).rejects.toThrow(
      "n00000000 is the folder of no class in the development kit.",
    );
  });
});

describe("Imagenette's archive", () => {
  const entries = [
    { path: "imagenette2-160/", type: "Directory" as const },
    { path: "imagenette2-160/noisy_imagenette.csv", content: Buffer.from("path") },
    { path: "imagenette2-160/train/n01440764/ILSVRC2012_val_00000293.JPEG", content: Buffer.from("a") },
    { path: "imagenette2-160/val/n03888257/n03888257_3000.JPEG", content: Buffer.from("b") },
  ];

  test("is unpacked, its images alone", async () => {
    await writeFile(join(root, "a.tgz"), gzipSync(tar(entries)));
    await Promise.all([1, 2].map(() => unpackImagenette(join(root, "a.tgz"), join(root, "out"))));
    expect(files(join(root, "out"))).toEqual([
      "train/n01440764/ILSVRC2012_val_00000293.JPEG",
      "val/n03888257/n03888257_3000.JPEG",
    ]);
  });

  test.each([
    [
      "a link",
      { path: "imagenette2-160/train/n01440764/a.JPEG", type: "SymbolicLink" as const, linkpath: "/etc" },
      "is no file in it but a SymbolicLink",
    ],
    ["a path out", { path: "imagenette2-160/train/n01440764/../../../a.JPEG" }, 'it contains the segment ".."'],
  ])("with %s is refused", async (_, entry, message) => {
    await writeFile(join(root, "a.tgz"), gzipSync(tar([...entries, entry])));
    await expect(unpackImagenette(join(root, "a.tgz"), join(root, "out"))).rejects.toThrow(message);
    expect(existsSync(join(root, "out"))).toBe(false);
  });
});

describe("MATLAB's files", () => {
  const mat = bytesOf(fixture.plainMat);

  test("hold structures with numbers and text", () => {
    const synsets = readMat(mat, "meta.mat").get("synsets");
    expect(synsets?.kind === "structs" && [synsets.shape, synsets.elements.length]).toEqual([[5, 1], 5]);
    const third = synsets?.kind === "structs" ? synsets.elements[2] : undefined;
    expect(third?.get("gloss")).toEqual({ kind: "text", text: "a small hard ball; café" });
    const fourth = synsets?.kind === "structs" ? synsets.elements[3] : undefined;
    expect(fourth?.get("children")).toEqual({ kind: "numbers", shape: [1, 2], values: Float64Array.of(1, 2) });
  });

  test("cut off anywhere or with bytes changed are read or refused by name, in no time", () => {
    const attempt = (bytes: Uint8Array): void => {
      try {
        readMat(bytes, "broken.mat");
      } catch (error) {
        expect((error as Error).message).toMatch(/^broken\.mat: /);
      }
    };
    for (let size = 0; size < mat.length; size += 7) {
      attempt(mat.subarray(0, size));
    }
    for (let at = 128; at < mat.length; at += 3) {
      const changed = Buffer.from(mat);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      attempt(changed);
    }
  });
});
