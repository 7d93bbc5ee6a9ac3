/** ImageNet's development kit of 2012: which classes there are, and which is shown on each validation image. */
import { DataError } from "../error.ts";
import { type MatValue, readMat } from "../formats/mat.ts";
import { readTarGz } from "../formats/tar.ts";

/** What the kit says. */
export interface ImageNetMeta {
  /** The names of each class, by its number in WordNet: `n01440764` is `["tench", "Tinca tinca"]`. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
  /** The class of each validation image, in the order of the images' names. */
  readonly validation: readonly string[];
}

const FOLDER = "ILSVRC2012_devkit_t12/data";
const META = `${FOLDER}/meta.mat`;
const TRUTH = `${FOLDER}/ILSVRC2012_validation_ground_truth.txt`;
/** The real ones have half a megabyte and 175 kB. */
const MAX_BYTES = 64 << 20;

/** A class's number in WordNet; it names a folder. */
export const wnidPattern = /^n\d{8}$/;

/**
 * Reads `ILSVRC2012_devkit_t12.tar.gz`. Nothing is unpacked to disk.
 *
 * @throws {DataError} naming the archive and what in it is not as it should be
 */
export async function readDevkit(archive: string): Promise<ImageNetMeta> {
  const files = new Map<string, Uint8Array>();
  await readTarGz(
    archive,
    new Map([
      [META, MAX_BYTES],
      [TRUTH, MAX_BYTES],
    ]),
    (name, bytes) => files.set(name, bytes),
  );
  const fail = (message: string): never => {
    throw new DataError("format", `${archive}: ${message}.`, { file: archive });
  };
  const variables = readMat(files.get(META) ?? new Uint8Array(), `${archive}: ${META}`);
  const synsets = variables.get("synsets");
  if (synsets?.kind !== "structs") {
    return fail(`${META} has no structures "synsets"`);
  }
  const byNumber = new Map<number, string>();
  const classes = new Map<string, readonly string[]>();
  for (const [i, synset] of synsets.elements.entries()) {
    const where = `${META}: synsets(${i + 1})`;
    const text = (name: string): string => textOf(synset.get(name)) ?? fail(`${where} has no text ${name}`);
    const number = (name: string): number => numberOf(synset.get(name)) ?? fail(`${where} has no number ${name}`);
    // Those above the classes, such as "dog", have children.
    if (number("num_children") !== 0) {
      continue;
    }
    const wnid = text("WNID");
    if (!wnidPattern.test(wnid) || classes.has(wnid)) {
      fail(
        `${where}.WNID is ${JSON.stringify(wnid.slice(0, 40))}, which is ${classes.has(wnid) ? "there twice" : "no n and eight digits"}`,
      );
    }
    byNumber.set(number("ILSVRC2012_ID"), wnid);
    classes.set(wnid, text("words").split(", "));
  }
  const lines = Buffer.from(files.get(TRUTH) ?? [])
    .toString("latin1")
    .trimEnd()
    .split(/\r?\n/);
  const validation = lines.map((line, i) => {
    const wnid = /^\s*\d+\s*$/.test(line) ? byNumber.get(Number(line)) : undefined;
    return wnid ?? fail(`${TRUTH}, line ${i + 1}: ${JSON.stringify(line.slice(0, 40))} is the number of no class`);
  });
  return { classes, validation };
}

function textOf(value: MatValue | undefined): string | undefined {
  return value?.kind === "text" ? value.text : undefined;
}

function numberOf(value: MatValue | undefined): number | undefined {
  return value?.kind === "numbers" && value.values.length === 1 ? value.values[0] : undefined;
}
