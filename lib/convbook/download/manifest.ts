/**
 * Manifests: what files a data set or a set of checkpoints consists of, where they are published, and what their bytes
 * must be. They are JSON files in `datasets/`; {@link parseManifest} is their format's definition.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, unsafePathReason } from "../files/index.ts";
import { nearestNames } from "../nn/errors.ts";
import { ManifestError } from "./error.ts";

/** One file: its bytes are fixed by size and hash, so it does not matter which address they come from. */
export interface ManifestFile {
  /** Where it lies below the manifest's folder, with forward slashes. */
  readonly path: string;
  /** Its length in bytes. */
  readonly size: number;
  /** SHA-256 of its bytes, as 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /**
   * Where it is published, best first: http(s) addresses, or `npm:NAME@VERSION` for the tarball of an npm package, which
   * is looked up with npm's own client so that the user's registry settings hold.
   */
  readonly urls: readonly string[];
}

/** A named set of files. */
export interface Manifest {
  /** Names the folder in the cache: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** What it is, in one line. */
  readonly title: string;
  /** SPDX identifier, or words where there is none. */
  readonly licence: string;
  /** The page that describes it. */
  readonly homepage?: string;
  /** How to cite it. */
  readonly citation?: string;
  readonly files: readonly ManifestFile[];
}

const manifestKeys = ["name", "title", "licence", "homepage", "citation", "baseUrls", "files"];
const fileKeys = ["path", "size", "sha256", "urls"];

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/**
 * Reads a manifest from parsed JSON. `baseUrls` at the top are joined with each file's path and follow the file's own `urls`.
 *
 * @param json what `JSON.parse` gave
 * @param origin the file's name, for messages
 * @throws ManifestError naming the place, what was got and what was expected
 */
export function parseManifest(json: unknown, origin = "(unnamed)"): Manifest {
  const fail = (at: string, message: string): never => {
    throw new ManifestError(origin, at, message);
  };
  const object = (value: unknown, at: string, keys: readonly string[]): Record<string, unknown> => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return fail(at, `expected an object, got ${show(value)}`);
    }
    for (const key of Object.keys(value)) {
      if (keys.includes(key)) {
        continue;
      }
      const [nearest] = nearestNames(key, keys, 1);
      fail(at, `unknown key "${key}"${nearest === undefined ? "" : `, did you mean "${nearest}"?`}`);
    }
    return value as Record<string, unknown>;
  };
  const text = (value: unknown, at: string): string =>
    typeof value === "string" && value !== "" ? value : fail(at, `expected a non-empty string, got ${show(value)}`);
  const list = (value: unknown, at: string): unknown[] =>
    Array.isArray(value) ? value : fail(at, `expected a list, got ${show(value)}`);
  const address = (value: unknown, at: string): string => {
    const given = text(value, at);
    if (/^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+[\w.+-]*$/.test(given)) {
      return given;
    }
    const protocol = URL.canParse(given) ? new URL(given).protocol : "";
    if (protocol !== "http:" && protocol !== "https:") {
      fail(at, `expected an http(s) address or npm:NAME@VERSION, got ${show(given)}`);
    }
    return given;
  };

  const top = object(json, "", manifestKeys);
  const name = text(top.name, "name");
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) {
    fail("name", `expected lower-case letters, digits and hyphens, got ${show(name)}`);
  }
  const baseUrls =
    top.baseUrls === undefined ? [] : list(top.baseUrls, "baseUrls").map((v, i) => address(v, `baseUrls[${i}]`));
  const seen = new Map<string, number>();
  const files = list(top.files, "files").map((value, i): ManifestFile => {
    const at = `files[${i}]`;
    const entry = object(value, at, fileKeys);
    const path = text(entry.path, `${at}.path`);
    const unsafe = unsafePathReason(path);
    if (unsafe !== null) {
      fail(`${at}.path`, `${show(path)} cannot be used: ${unsafe}`);
    }
    const same = seen.get(path.toLowerCase());
    if (same !== undefined) {
      fail(`${at}.path`, `${show(path)} is the same file as files[${same}]`);
    }
    seen.set(path.toLowerCase(), i);
    const { size, sha256 } = entry;
    if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
      return fail(`${at}.size`, `expected a number of bytes, got ${show(size)}`);
    }
    if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
      return fail(`${at}.sha256`, `expected 64 lower-case hexadecimal digits, got ${show(sha256)}`);
    }
    const own = entry.urls === undefined ? [] : list(entry.urls, `${at}.urls`);
    const urls = [
      ...own.map((v, j) => address(v, `${at}.urls[${j}]`)),
      ...baseUrls.map((base) => new URL(encodeURI(path), base.endsWith("/") ? base : `${base}/`).href),
    ];
    if (urls.length === 0) {
      fail(at, "has no address: give it urls, or the manifest baseUrls");
    }
    return { path, size, sha256, urls };
  });
  if (files.length === 0) {
    fail("files", "expected at least one file");
  }
  // One file's name cannot be another's folder.
  for (const path of seen.keys()) {
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const folder = seen.get(path.slice(0, slash));
      if (folder !== undefined) {
        fail(`files[${folder}].path`, `is also the folder of files[${seen.get(path)}]`);
      }
    }
  }
  return {
    name,
    title: text(top.title, "title"),
    licence: text(top.licence, "licence"),
    ...(top.homepage === undefined ? {} : { homepage: address(top.homepage, "homepage") }),
    ...(top.citation === undefined ? {} : { citation: text(top.citation, "citation") }),
    files,
  };
}

/**
 * The folder of the manifests: `datasets/` in the package, or, in a clone of the repository, at its top. It is found by
 * walking up from this file, so it is the same from the sources and from the built package.
 */
export function datasetsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, "datasets");
    if (existsSync(join(candidate, "uva-tutorial5.json"))) {
      return candidate;
    }
    const parent = dirname(folder);
    if (parent === folder) {
      throw new Error("The folder datasets/ with the manifests is missing from this installation of convbook.");
    }
    folder = parent;
  }
}

/**
 * Reads one of the manifests that come with convbook.
 *
 * @param name for example "uva-tutorial5"
 * @throws ManifestError when there is none of that name (with the nearest), or its content is not valid
 */
export function loadManifest(name: string): Manifest {
  const folder = datasetsFolder();
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
  if (!names.includes(name)) {
    const [nearest] = nearestNames(name, names, 1);
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    throw new ManifestError(show(name), "", `there is none of this name.${hint} There are: ${names.join(", ")}.`);
  }
  return readManifest(join(folder, `${name}.json`));
}

/**
 * Reads a manifest from a file.
 *
 * @throws ManifestError when it is not JSON or not a manifest
 */
export function readManifest(path: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ManifestError(path, "", messageOf(error));
  }
  return parseManifest(json, path);
}
