/** Finding image files in folders named after their classes, as torchvision's `find_classes` and `make_dataset` do: links are followed. */
import type { Dirent } from "node:fs";
import { lstat, open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { compareCodePoints, messageOf } from "../files/index.ts";
import { DataError } from "./error.ts";
import { refusedKind } from "./formats/image.ts";

/**
 * The folders right below a root, links to folders among them, in the order in which Python sorts their names.
 *
 * @throws {DataError} naming the root where it cannot be read or has none, or a link that leads nowhere: the classes after it would have other numbers
 */
export async function findClasses(root: string): Promise<string[]> {
  const classes: string[] = [];
  for (const entry of await entries(root)) {
    const kind = await kindOf(root, entry);
    if (kind === "nowhere") {
      const file = join(root, entry.name);
      throw new DataError("format", `${file} is a link that leads nowhere; a class may be missing.`, { file });
    }
    if (kind === "folder") {
      classes.push(entry.name);
    }
  }
  if (classes.length > 0) {
    return classes;
  }
  throw new DataError("format", `${root} has no folders; each class needs one with its images.`, { file: root });
}

/**
 * A class's files, folder by folder in the order of their paths, in each by name.
 *
 * @param folder the class's, below the root
 * @param isValid is given each file's path below the root
 * @throws {DataError} naming a folder that cannot be read, or a link that would be followed for ever
 */
export async function filesOfClass(
  root: string,
  folder: string,
  isValid: (path: string) => boolean,
): Promise<string[]> {
  const found: { readonly folder: string; readonly files: readonly string[] }[] = [];
  const visit = async (path: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(join(root, path));
    if (above.includes(real)) {
      const file = join(root, path);
      throw new DataError("format", `${file} leads back to ${real}, in which it lies.`, { file });
    }
    const files: string[] = [];
    const inner: string[] = [];
    for (const entry of await entries(join(root, path))) {
      const below = `${path}/${entry.name}`;
      // A link that leads nowhere counts as a file, and is named when it is to be read.
      if ((await kindOf(join(root, path), entry)) === "folder") {
        inner.push(below);
      } else if (isValid(below)) {
        files.push(below);
      }
    }
    found.push({ folder: path, files });
    for (const each of inner) {
      await visit(each, [...above, real]);
    }
  };
  await visit(folder, []);
  return found.sort((a, b) => compareCodePoints(a.folder, b.folder)).flatMap(({ files }) => files);
}

/**
 * Looks whether files are of a kind that is never read, as far as their names suggest it.
 * @throws {DataError} naming the first of them
 */
export async function refuseUnreadable(root: string, files: readonly string[]): Promise<void> {
  for (const path of files) {
    if (!/\.(webp|tiff?)$/i.test(path)) {
      continue;
    }
    const file = join(root, path);
    const kind = refusedKind(await firstBytes(file));
    if (kind === undefined) {
      continue;
    }
    throw new DataError("format", `${file} is ${kind}, which is not read here; convert it to PNG.`, { file });
  }
}

async function firstBytes(file: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(16);
  try {
    const handle = await open(file, "r");
    try {
      await handle.read(bytes, 0, 16, 0);
    } finally {
      await handle.close();
    }
  } catch {
    // Named when it is to be read.
  }
  return bytes;
}

type Kind = "folder" | "file" | "nowhere";

/** What an entry is, or what it leads to. */
async function kindOf(folder: string, entry: Dirent): Promise<Kind> {
  if (entry.isDirectory()) {
    return "folder";
  }
  if (entry.isFile()) {
    return "file";
  }
  try {
    return (await stat(join(folder, entry.name))).isDirectory() ? "folder" : "file";
  } catch {
    return "nowhere";
  }
}

/** A folder's entries in the order of their names' code points. */
async function entries(folder: string): Promise<Dirent[]> {
  const fail = (file: string, message: string, cause?: unknown): never => {
    throw new DataError("format", message, { file, cause });
  };
  let found: Dirent[];
  try {
    found = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    return fail(folder, `The folder ${folder} cannot be read: ${messageOf(error)}`, error);
  }
  for (const { name } of found) {
    // What stands for bytes that are no text; a file that really has it in its name is found.
    if (!name.includes("\ufffd")) {
      continue;
    }
    const file = join(folder, name);
    await lstat(file).catch((error) => fail(file, `${file} has a name that is not UTF-8; give it another.`, error));
  }
  return found.sort((a, b) => compareCodePoints(a.name, b.name));
}
