/** Models in a folder: JSON files with a topology and weights, named by the npm package that they lie in. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";

/** A model's file, and what it is called: its package and its path therein. */
export interface FoundModel {
  readonly name: string;
  readonly file: string;
}

/** @returns whether a file says that it is a model of tfjs's */
async function isModel(file: string): Promise<boolean> {
  try {
    const described: unknown = JSON.parse(await readFile(file, "utf8"));
    return (
      typeof described === "object" &&
      described !== null &&
      "modelTopology" in described &&
      "weightsManifest" in described
    );
  } catch {
    return false;
  }
}

/** The name in the nearest package.json, from a folder upwards to `root`. */
async function packageOf(folder: string, root: string): Promise<{ name: string; folder: string }> {
  try {
    const { name }: { name?: string } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    if (name !== undefined) {
      return { name, folder };
    }
  } catch {
    // No package.json here.
  }
  return folder === root ? { name: "", folder: root } : packageOf(dirname(folder), root);
}

/**
 * @param root a folder, of unpacked npm packages for one
 * @returns all models in it, by name
 */
export async function findModels(root: string): Promise<FoundModel[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".json"));
  const found: FoundModel[] = [];
  for (const entry of files) {
    const file = join(entry.parentPath, entry.name);
    if (await isModel(file)) {
      const home = await packageOf(entry.parentPath, root);
      found.push({ name: join(home.name, relative(home.folder, file)).split(sep).join("/"), file });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
