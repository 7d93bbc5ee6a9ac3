/**
 * ImageNet's archives, unpacked as torchvision unpacks them: `train/WNID/…`, `val/WNID/…`, and `meta.bin`, which torchvision reads, too.
 * They are had from https://image-net.org by those who have signed its terms; nothing is fetched here.
 */
import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { checkFunction, checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { checkSwitches, refuseUnknownOptions } from "../../arguments/options.ts";
import { loadTorch, saveTorch } from "../../checkpoints/index.ts";
import { acquireLock } from "../../download/lock.ts";
import { expandHome, writeFileAtomic } from "../../files/index.ts";
import { DataError } from "../error.ts";
import { type ImageNetMeta, readDevkit, wnidPattern } from "./devkit.ts";
import { eachFile, eachInnerFile, failing, MAX_IMAGE_BYTES, Unpacking, unpackInto } from "./unpack.ts";

/** The part that is trained on, or the one that is validated on. */
export type ImageNetSplit = "train" | "val";

/** The archives' names, and their MD5 as torchvision has them. */
const archives = {
  train: { name: "ILSVRC2012_img_train.tar", md5: "1d675b47d978889d74fa0da5fadfb00e" },
  val: { name: "ILSVRC2012_img_val.tar", md5: "29b22e2961454d5413ddabcf34fc5622" },
  devkit: { name: "ILSVRC2012_devkit_t12.tar.gz", md5: "fa75699e90414af021442c21a62c3abf" },
} as const;

const META = "meta.bin";
const INDEX = "imagenet_class_index.json";
/** The largest archive of a class; the real ones have up to 180 MB. */
const MAX_CLASS_BYTES = 64 * 2 ** 30;

export interface PrepareImageNetOptions {
  /** What is unpacked; both where it is left out. */
  readonly splits?: readonly ImageNetSplit[];
  /** Whether archives are compared with the MD5 of the published ones first, which takes minutes; default false. */
  readonly verify?: boolean;
  /** Told of each image that is there, with its path below the folder. */
  readonly onImage?: (path: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes sure that ImageNet is unpacked in a folder: what is there stays as it is, what is not is made of `ILSVRC2012_img_train.tar`,
 * `ILSVRC2012_img_val.tar` and `ILSVRC2012_devkit_t12.tar.gz`, which lie in it. Afterwards they are not needed. Whatever interrupts it,
 * a folder under its name is whole, and the next call goes on with what was unpacked. Several processes may do this at once.
 *
 * Also writes `imagenet_class_index.json`, `{"0": ["n01440764", "tench"], …}`.
 *
 * @param root the folder
 * @returns what the development kit says of the classes
 * @throws {DataError} naming the archive that is missing or broken, holds links, paths that lead out, or what does not fit the kit
 */
export async function prepareImageNet(root: string, options: PrepareImageNetOptions = {}): Promise<ImageNetMeta> {
  checkText("prepareImageNet", "root", root, "the path of a folder");
  refuseUnknownOptions("prepareImageNet", options, ["splits", "verify", "onImage", "signal"]);
  checkSwitches("prepareImageNet", options, { verify: false });
  const { splits = ["train", "val"], verify = false, onImage = () => {}, signal } = options;
  checkFunction("prepareImageNet", "onImage", onImage);
  if (!Array.isArray(splits) || !splits.every((split) => split === "train" || split === "val")) {
    throw new OptionError("prepareImageNet", "splits", splits, 'a list of "train" and "val"');
  }
  if (signal !== undefined && typeof signal?.aborted !== "boolean") {
    throw new OptionError("prepareImageNet", "signal", signal, "an AbortSignal");
  }
  const folder = expandHome(root);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    throw new DataError("format", `${folder} is no folder; ImageNet's archives must lie in one.`, { file: folder });
  }
  const missing = splits.filter((split) => !existsSync(join(folder, split)));
  if (existsSync(join(folder, META)) && missing.length === 0) {
    return readMeta(join(folder, META));
  }
  const lock = await acquireLock(join(folder, ".convbook-imagenet.lock"), { signal });
  try {
    const archive = async (kind: keyof typeof archives): Promise<string> => {
      const path = join(folder, archives[kind].name);
      if (!existsSync(path)) {
        throw new DataError("format", missingText(folder, kind), { file: path });
      }
      if (verify) {
        await compare(path, archives[kind].md5, signal);
      }
      return path;
    };
    const meta = existsSync(join(folder, META))
      ? await readMeta(join(folder, META))
      : await prepareMeta(folder, await archive("devkit"));
    // Another process may have unpacked them while this one waited.
    for (const split of missing.filter((name) => !existsSync(join(folder, name)))) {
      const path = await archive(split);
      const unpack = split === "train" ? unpackTraining : unpackValidation;
      await unpackInto(join(folder, split), path, (to) =>
        unpack(path, new Unpacking(to, (name) => onImage(`${split}/${name}`)), meta, signal),
      );
    }
    return meta;
  } finally {
    await lock.release();
  }
}

function missingText(folder: string, kind: keyof typeof archives): string {
  const { name } = archives[kind];
  const what = kind === "devkit" ? `${META}, which is made of ${name}` : `the folder ${kind}, which is made of ${name}`;
  return `${folder} has neither ${what}, nor that archive; it is had from https://image-net.org/challenges/LSVRC/2012/ after registering.`;
}

async function compare(path: string, md5: string, signal: AbortSignal | undefined): Promise<void> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 22 }), hash, { signal });
  const got = hash.digest("hex");
  if (got !== md5) {
    failing(path)(`its MD5 is ${got}, and that of the published archive is ${md5}`);
  }
}

/** Writes what torchvision keeps, and the index of classes that Keras has. */
async function prepareMeta(folder: string, archive: string): Promise<ImageNetMeta> {
  const meta = await readDevkit(archive);
  // Frozen arrays are tuples in Python.
  const classes = new Map([...meta.classes].map(([wnid, names]) => [wnid, Object.freeze([...names])]));
  const index = [...meta.classes].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = index.map(([wnid, [name = ""]], i) => [i, [wnid, name.replaceAll(" ", "_")]]);
  await writeFileAtomic(join(folder, INDEX), [Buffer.from(`${JSON.stringify(Object.fromEntries(entries))}\n`)]);
  await saveTorch(join(folder, META), Object.freeze([classes, [...meta.validation]]));
  return meta;
}

/** Reads `meta.bin`, ours or torchvision's. */
export async function readMeta(path: string): Promise<ImageNetMeta> {
  const value = await loadTorch(path);
  const [classes, validation] = Array.isArray(value) ? value : [];
  const isText = (text: unknown): text is string => typeof text === "string";
  const isNames = (names: unknown): names is string[] => Array.isArray(names) && names.every(isText);
  const known = new Map<string, readonly string[]>();
  for (const [wnid, names] of classes instanceof Map ? classes : []) {
    if (isText(wnid) && wnidPattern.test(wnid) && isNames(names)) {
      known.set(wnid, [...names]);
    }
  }
  if (!(classes instanceof Map) || known.size !== classes.size || !isNames(validation)) {
    return failing(path)("it does not hold the names of the classes and the validation images' classes");
  }
  return { classes: known, validation };
}

/** The training images: an archive of each class in the archive. */
async function unpackTraining(
  archive: string,
  to: Unpacking,
  { classes }: ImageNetMeta,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fail = failing(archive);
  const seen = new Set<string>();
  await eachFile(
    archive,
    MAX_CLASS_BYTES,
    (outer) => {
      const wnid = /^(n\d{8})\.tar$/.exec(outer.path)?.[1];
      if (wnid === undefined || !classes.has(wnid)) {
        return fail(`${JSON.stringify(outer.path.slice(0, 100))} is the archive of no class in the development kit`);
      }
      if (seen.has(wnid)) {
        fail(`${outer.path} is in it twice`);
      }
      seen.add(wnid);
      eachInnerFile(outer, archive, (file) =>
        to.write(file, `${wnid}/${file.path}`, failing(`${archive}: ${outer.path}`)),
      );
    },
    { signal },
  );
  const absent = [...classes.keys()].filter((wnid) => !seen.has(wnid));
  if (absent.length > 0) {
    fail(`it lacks ${absent.length} of ${classes.size} classes, the first of them ${absent[0]}`);
  }
}

/** The validation images: all in one archive, in the order of their names those that the kit lists. */
async function unpackValidation(
  archive: string,
  to: Unpacking,
  { validation }: ImageNetMeta,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fail = failing(archive);
  const names: string[] = [];
  await eachFile(archive, MAX_IMAGE_BYTES, ({ path }) => names.push(path), { signal });
  if (names.length !== validation.length) {
    fail(`it has ${names.length} images, and the development kit knows of ${validation.length}`);
  }
  const wnids = new Map(names.sort().map((name, i) => [name, validation[i] ?? ""]));
  const write = (file: Parameters<Unpacking["write"]>[0]) =>
    to.write(file, `${wnids.get(file.path)}/${file.path}`, fail);
  await eachFile(archive, MAX_IMAGE_BYTES, write, { signal });
}
