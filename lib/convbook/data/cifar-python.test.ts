import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { extract } from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import fixture from "./fixtures/cifar-python.json" with { type: "json" };
import { readCifarPickle } from "./formats/cifar-python.ts";
import { type ArrayDataset, cifar10, cifar100 } from "./index.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "convbook-cifar-python-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const load = { cifar10, cifar100 } as const;
const inner = { cifar10: "cifar-10-batches-py", cifar100: "cifar-100-python" } as const;
const archiveName = { cifar10: "cifar-10-python.tar.gz", cifar100: "cifar-100-python.tar.gz" } as const;

function contents(data: ArrayDataset): { sha256: string; labels: number[] } {
  const hash = createHash("sha256");
  for (let i = 0; i < data.length; i++) {
    hash.update(data.raw(i).data as Uint8Array);
  }
  return { sha256: hash.digest("hex"), labels: [...data.targets] };
}

describe.each(["cifar10", "cifar100"] as const)("%s in its python version", (name) => {
  const options = { transform: null };

  test("is what torchvision reads, from the archive, unpacked, and from the inner folder", async () => {
    const archive = join(folder, archiveName[name]);
    await writeFile(archive, Buffer.from(fixture[name].archive, "base64"));
    const places = [folder];
    for (const place of places) {
      expect(contents(await load[name]({ ...options, folder: place }))).toEqual(fixture[name].train);
      expect(contents(await load[name]({ ...options, folder: place, train: false }))).toEqual(fixture[name].test);
      if (place === folder && places.length === 1) {
        await extract({ file: archive, cwd: folder });
        await rm(archive);
        places.push(folder, join(folder, inner[name]));
      }
    }
  });
});

test("an archive of one's own may have ./ before its names, and be of tar's oldest format", async () => {
  await writeFile(join(folder, archiveName.cifar10), Buffer.from(fixture.cifar10.archive, "base64"));
  await extract({ file: join(folder, archiveName.cifar10), cwd: folder });
  const own = join(folder, "own");
  await mkdir(own);
  for (const format of ["v7", "ustar", "pax"]) {
    execFileSync("tar", ["--format", format, "-czf", join(own, archiveName.cifar10), `./${inner.cifar10}`], {
      cwd: folder,
    });
    expect(contents(await cifar10({ folder: own, transform: null }))).toEqual(fixture.cifar10.train);
  }
});

test("labels of the binary version that are none are named", async () => {
  const record = Buffer.alloc(3073);
  record[0] = 10;
  const file = join(folder, "test_batch.bin");
  await writeFile(file, Buffer.concat([Buffer.alloc(3073), record]));
  await expect(cifar10({ folder, train: false })).rejects.toThrow(`${file}: labels[1] is 10, not a class from 0 to 9.`);
  const fine = join(folder, "test.bin");
  await writeFile(fine, Buffer.concat([Buffer.from([19, 100]), Buffer.alloc(3072)]));
  await expect(cifar100({ folder, train: false })).rejects.toThrow(
    `${fine}: fine_labels[0] is 100, not a class from 0 to 99.`,
  );
});

test("CIFAR-100 has its superclasses there, too", async () => {
  await writeFile(join(folder, archiveName.cifar100), Buffer.from(fixture.cifar100.archive, "base64"));
  const coarse = await cifar100({ folder, labels: "coarse", transform: null });
  expect(coarse.classes).toHaveLength(20);
  expect(Math.max(...coarse.targets)).toBeLessThan(20);
});

describe("what is no batch is named", () => {
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from("X"), Buffer.from(Uint32Array.of(value.length).buffer), Buffer.from(value)]);
  const pickle = (...parts: (string | Buffer)[]): Buffer =>
    Buffer.concat([Buffer.from([0x80, 2]), ...parts.map((part) => Buffer.from(part)), Buffer.from(".")]);

  test.each<[string, Buffer, string]>([
    ["a list", pickle("]"), "batch: it holds no dict."],
    ["no data", pickle("}"), "batch: its data is no array [], not uint8 [N, 3072]."],
    ["a program", pickle("cos\nsystem\n", text("true"), "\x85R"), 'the pickle refers to "os.system"'],
    ["something else", Buffer.from("<html>"), "this is not a pickle of protocol 2 or later"],
  ])("%s", (_, bytes, message) => {
    expect(() => readCifarPickle(bytes, { label: ["labels", 10] }, "batch")).toThrow(message);
  });

  test("labels that are none, and an empty folder", async () => {
    await writeFile(join(folder, archiveName.cifar10), Buffer.from(fixture.cifar10.archive, "base64"));
    await extract({ file: join(folder, archiveName.cifar10), cwd: folder });
    const bytes = await readFile(join(folder, "cifar-10-batches-py", "data_batch_1"));
    expect(() => readCifarPickle(bytes, { label: ["labels", 2] }, "batch")).toThrow(
      /^batch: labels\[\d\] is \d, not a class from 0 to 1\.$/,
    );
    expect(() => readCifarPickle(bytes, { label: ["fine_labels", 100] }, "batch")).toThrow(
      "batch: its fine_labels are not a list of 2 numbers.",
    );
    const empty = join(folder, "none");
    await expect(cifar10({ folder: empty })).rejects.toThrow(
      `${empty} holds none of data_batch_1, cifar-10-batches-py/data_batch_1, cifar-10-python.tar.gz, data_batch_1.bin, cifar-10-batches-bin/data_batch_1.bin, cifar-10-binary.tar.gz.`,
    );
  });
});
