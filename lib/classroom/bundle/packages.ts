/** The packages of a bundle: tarballs, `package.json` and the lockfile that `npm ci --offline` goes by. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassroomError } from "../errors.ts";
import type { Installed, Manifest } from "./installed.ts";
import { layOut, type Placed } from "./layout.ts";
import { tarballOf } from "./tarball.ts";

/** Files of a bundle, by their paths in it. */
export type Files = Map<string, Uint8Array>;

/**
 * Adds packages, and what npm needs to install them without a network.
 *
 * @param files Where they are added.
 * @param roots The packages that notebooks import, with what they need.
 * @param name What the student's project is called.
 */
export function addPackages(files: Files, roots: readonly Installed[], name: string): void {
  const placed = layOut(roots);
  const tarballs = new Map<Installed, { path: string; integrity: string }>();
  for (const { installed } of placed) {
    if (!tarballs.has(installed)) {
      const { name: called, version } = installed.manifest;
      const path = `packages/${called.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;
      // The maps of others' packages are most of their size, and nobody needs them here.
      const tarball = installed.isSource
        ? packed(installed.folder)
        : tarballOf(installed.folder, (file) => file.endsWith(".map"));
      files.set(path, tarball);
      tarballs.set(installed, { path, integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}` });
    }
  }
  const fileOf = (installed: Installed) => `file:${tarballs.get(installed)?.path ?? ""}`;
  const root = {
    name,
    version: "1.0.0",
    dependencies: Object.fromEntries(roots.map((each) => [each.manifest.name, fileOf(each)])),
  };
  const entries = placed.map((each): [string, object] => [
    each.location,
    { ...lockEntry(each), resolved: fileOf(each.installed), integrity: tarballs.get(each.installed)?.integrity },
  ]);
  const lock = {
    name,
    version: root.version,
    lockfileVersion: 3,
    requires: true,
    packages: { "": root, ...Object.fromEntries(entries) },
  };
  // npm asks whether packages may run scripts of their own when they are installed; those of these did where the bundle was made.
  const withScripts = placed.filter(({ installed }) => hasInstallScript(installed.manifest.scripts));
  const allowScripts = Object.fromEntries(withScripts.map(({ installed }) => [installed.manifest.name, true]));
  files.set("package.json", json({ ...root, private: true, type: "module", allowScripts }));
  files.set("package-lock.json", json(lock));
  files.set(".npmrc", Buffer.from("offline=true\naudit=false\nfund=false\n"));
}

/** What a lockfile says of a package besides its tarball. */
function lockEntry({ location, installed, isOptional }: Placed): object {
  const { version, bin, name, scripts = {}, ...manifest } = installed.manifest;
  const kept: readonly (keyof typeof manifest)[] = [
    "dependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "engines",
    "os",
    "cpu",
    "libc",
  ];
  const given = kept.flatMap((key) => (key in manifest ? [[key, manifest[key]]] : []));
  // Optional packages of other systems are not there, and npm would ask for them.
  const optional = Object.entries(manifest.optionalDependencies ?? {}).filter(([each]) => installed.needs.has(each));
  const programs = typeof bin === "string" ? { [name.split("/").at(-1) ?? name]: bin } : bin;
  return {
    // An alias says what it stands for.
    ...(!location.endsWith(`node_modules/${name}`) && { name }),
    version,
    ...Object.fromEntries(given),
    ...(optional.length > 0 && { optionalDependencies: Object.fromEntries(optional) }),
    ...(programs !== undefined && { bin: programs }),
    ...(isOptional && { optional: true }),
    ...(hasInstallScript(scripts) && { hasInstallScript: true }),
  };
}

function hasInstallScript(scripts: Manifest["scripts"] = {}): boolean {
  return ["preinstall", "install", "postinstall"].some((each) => each in scripts);
}

/** The tarball of a package whose sources these are: npm knows which files belong to it. */
function packed(folder: string): Uint8Array {
  const place = mkdtempSync(join(tmpdir(), "convbook-pack-"));
  try {
    const told = execFileSync("npm", ["pack", "--json", "--pack-destination", place], {
      cwd: folder,
      encoding: "utf8",
      shell: process.platform === "win32",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const name = /"filename":\s*"([^"]+)"/.exec(told)?.[1];
    if (name === undefined) {
      throw new ClassroomError(folder, "npm pack did not say what it packed");
    }
    return readFileSync(join(place, name));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function json(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
