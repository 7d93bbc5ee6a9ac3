/** The lists of Oxford-IIIT Pet: `Abyssinian_100 1 1 1`, an image's name, its breed, its species and its breed within the species. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../files/index.ts";
import { DataError } from "../error.ts";

/** The part that is trained and validated on, or the one that is tested on. */
export type PetsSplit = "trainval" | "test";

/** What a list says, in its order. */
export interface PetsList {
  /** The images' names, without folder and ending. */
  readonly ids: readonly string[];
  /** The number of each image's breed, from 0. */
  readonly breeds: Int32Array;
  /** 0 for a cat, 1 for a dog. */
  readonly species: Int32Array;
  /** The breeds' names, as torchvision writes them, in the order of their numbers. */
  readonly classes: readonly string[];
}

/**
 * Reads a list.
 *
 * @param folder the folder `annotations`
 * @throws {DataError} naming the file and the line that is not as described, or names a file elsewhere
 */
export async function readPetsList(folder: string, split: PetsSplit): Promise<PetsList> {
  const file = join(folder, `${split}.txt`);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new DataError("format", `${file} cannot be read: ${messageOf(error)}`, { file, cause: error });
  });
  const ids: string[] = [];
  const breeds: number[] = [];
  const species: number[] = [];
  const names = new Map<number, string>();
  for (const [i, line] of text.trimEnd().split("\n").entries()) {
    const fail = (message: string): never => {
      const shown = JSON.stringify(line.slice(0, 100));
      throw new DataError("format", `${file}: line ${i + 1}, ${shown}, ${message}.`, { file });
    };
    const match = /^\s*([A-Za-z0-9][\w-]*)\s+([1-9]\d{0,4})\s+([12])(\s.*)?$/.exec(line);
    if (match === null) {
      fail("is not an image's name, the number of its breed and 1 (cat) or 2 (dog)");
    }
    const [, id = "", breed, kind] = match ?? [];
    const label = Number(breed) - 1;
    const name = titleOf(id.replace(/_[^_]*$/, ""));
    if ((names.get(label) ?? name) !== name) {
      fail(`gives breed ${breed} another name than ${JSON.stringify(names.get(label))}`);
    }
    names.set(label, name);
    ids.push(id);
    breeds.push(label);
    species.push(Number(kind) - 1);
  }
  const classes = [...names].sort(([a], [b]) => a - b).map(([, name]) => name);
  return { ids, breeds: Int32Array.from(breeds), species: Int32Array.from(species), classes };
}

/** `american_bulldog` as "American Bulldog". */
function titleOf(name: string): string {
  const words = name.split("_").map((word) => word.toLowerCase().replaceAll(/[a-z]+/g, capital));
  return words.join(" ");
}

const capital = (letters: string): string => letters.charAt(0).toUpperCase() + letters.slice(1);
