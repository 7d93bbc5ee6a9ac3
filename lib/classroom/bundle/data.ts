/** Data and checkpoints that a manifest names, out of the folder of downloads, checked as the manifest says. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, normalize, sep } from "node:path";
import { ClassroomError } from "../errors.ts";
import { inputText, refuse } from "../source/index.ts";
import type { Files } from "./packages.ts";

/**
 * Adds the files of a manifest below `data/NAME/`.
 *
 * @param files Where they are added.
 * @param path The manifest: JSON with `name` and `files`, each with `path`, `size` and `sha256`.
 * @param cache The folder of downloads.
 * @throws ClassroomError where it is no manifest, or a file is missing or another one.
 */
export function addData(files: Files, path: string, cache: string): void {
  const text = inputText(path, "a manifest (JSON)");
  refuse(cache, ["file"], "the folder of downloads");
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch (error) {
    throw new ClassroomError(path, "is no manifest: it is not JSON", { cause: error });
  }
  if (!isManifest(manifest)) {
    throw new ClassroomError(path, 'is no manifest; expected "name", and "files" with path, size and sha256 each');
  }
  const problems = manifest.files.flatMap((file) => {
    const inside = normalize(file.path);
    if (inside.startsWith("..") || inside.startsWith(sep) || /^[a-z]:/i.test(inside)) {
      return [`${file.path} leads out of the manifest's folder`];
    }
    const place = join(cache, manifest.name, inside);
    if (!existsSync(place)) {
      return [`${file.path} is not in ${join(cache, manifest.name)}; download it first`];
    }
    const contents = readFileSync(place);
    if (createHash("sha256").update(contents).digest("hex") !== file.sha256) {
      return [
        `${file.path} in ${join(cache, manifest.name)} is not the file that the manifest means (${contents.length} of ${file.size} bytes)`,
      ];
    }
    files.set(`data/${manifest.name}/${file.path}`, contents);
    return [];
  });
  if (problems.length > 0) {
    throw new ClassroomError(path, problems);
  }
}

interface DataManifest {
  readonly name: string;
  readonly files: readonly { readonly path: string; readonly size: number; readonly sha256: string }[];
}

function isManifest(value: unknown): value is DataManifest {
  return (
    isRecord(value) &&
    typeof value.name === "string" &&
    /^[a-z0-9-]+$/.test(value.name) &&
    Array.isArray(value.files) &&
    value.files.every(
      (file: unknown) =>
        isRecord(file) &&
        typeof file.path === "string" &&
        typeof file.size === "number" &&
        typeof file.sha256 === "string",
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
