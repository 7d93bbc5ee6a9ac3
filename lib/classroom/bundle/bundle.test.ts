import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { beforeAll, describe, expect, test } from "vitest";
import { cellWith, folderWith, notebookOf } from "../testing/notebooks.ts";
import { bundleAssignment, installedPackage, layOut, tarballOf } from "./index.ts";

const longName = `${"a-long-folder/".repeat(9)}file.txt`;
const manifest = (name: string, version: string, others = {}) => ({ name, version, main: "index.cjs", ...others });

/** A teacher's project: a package of its own, aliases, two versions of one package, a package that is not there on this system. */
const project = realpathSync(
  folderWith({
    "node_modules/top/package.json": manifest("top", "1.0.0", {
      dependencies: { left: "^1.0.0", right: "1.x", old: "npm:left@1.5.0" },
      optionalDependencies: { elsewhere: "1.0.0", fast: "1.0.0" },
      peerDependencies: { missing: "*" },
      peerDependenciesMeta: { missing: { optional: true } },
      bin: "run.cjs",
    }),
    "node_modules/top/index.cjs":
      'const { left } = require("right"); module.exports = [require("left").version, left, require("old").version, require("fast")];',
    "node_modules/top/run.cjs": "#!/usr/bin/env node\nconsole.log(JSON.stringify(require('./index.cjs')));",
    [`node_modules/top/${longName}`]: "deep",
    "node_modules/top/index.cjs.map": "{}",
    "node_modules/left/package.json": manifest("left", "1.9.0"),
    "node_modules/left/index.cjs": "exports.version = '1.9.0';",
    "node_modules/old/package.json": manifest("left", "1.5.0"),
    "node_modules/old/index.cjs": "exports.version = '1.5.0';",
    "node_modules/right/package.json": manifest("right", "1.2.0", { dependencies: { left: "2.0.0" } }),
    "node_modules/right/index.cjs": "exports.left = require('left').version;",
    "node_modules/right/node_modules/left/package.json": manifest("left", "2.0.0"),
    "node_modules/right/node_modules/left/index.cjs": "exports.version = '2.0.0';",
    "node_modules/fast/package.json": manifest("fast", "1.0.0", { scripts: { install: "node index.cjs", test: "no" } }),
    "node_modules/fast/index.cjs": "module.exports = 'fast';",
    "made/student/sums.ipynb": notebookOf([cellWith("code", "1")]),
    "made/student/data/x.csv": "1,2\n",
    "made/grader/class.yaml": "title: Sums!\ndue: 2027-03-31\n",
    "manifests/digits.json": {
      name: "digits",
      files: [{ path: "a/train.bin", size: 3, sha256: createHash("sha256").update("abc").digest("hex") }],
    },
    "cache/digits/a/train.bin": "abc",
  }),
);
const top = () => installedPackage("top", [project]);

test("packages are laid out as npm does: each once where one version will do, aliases by their names", () => {
  const placed = layOut([top()]).map(({ location, installed, isOptional }) => [
    location,
    `${installed.manifest.name}@${installed.manifest.version}`,
    isOptional,
  ]);
  expect(placed).toEqual([
    ["node_modules/fast", "fast@1.0.0", true],
    ["node_modules/left", "left@1.9.0", false],
    ["node_modules/old", "left@1.5.0", false],
    ["node_modules/right", "right@1.2.0", false],
    ["node_modules/right/node_modules/left", "left@2.0.0", false],
    ["node_modules/top", "top@1.0.0", false],
  ]);
});

test("what is not installed is named with what to type", () => {
  expect(() => installedPackage("nothing-of-that-name", [project])).toThrow(
    `${project}: the package nothing-of-that-name is not installed here; run npm install nothing-of-that-name`,
  );
});

test("tarballs are the same for the same files, and tar reads long names in them", () => {
  const folder = join(project, "node_modules/top");
  const tarball = tarballOf(folder, (path) => path.endsWith(".map"));
  expect(tarball).toEqual(tarballOf(folder, (path) => path.endsWith(".map")));
  const listed = execFileSync("tar", ["tz"], { input: tarball, encoding: "utf8" }).trim().split("\n");
  expect(listed.sort()).toEqual(
    [longName, "index.cjs", "package.json", "run.cjs"].map((path) => `package/${path}`).sort(),
  );
});

describe("a bundle", () => {
  const folder = mkdtempSync(join(tmpdir(), "convbook-student-"));
  let files: Record<string, Uint8Array>;

  beforeAll(() => {
    const zip = join(project, "sums.zip");
    const before = process.cwd();
    process.chdir(project);
    try {
      const bundled = bundleAssignment(join(project, "made"), zip, {
        packages: ["top"],
        manifests: [join(project, "manifests/digits.json")],
        cache: join(project, "cache"),
      });
      expect(bundled).toMatchObject({ notebooks: ["sums.ipynb"], packages: 6 });
    } finally {
      process.chdir(before);
    }
    files = unzipSync(readFileSync(zip));
    for (const [path, contents] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), contents);
    }
  });

  test("has notebooks, data, packages and a page that says what to do", () => {
    expect(Object.keys(files).sort()).toEqual([
      ".npmrc",
      "README.md",
      "data/digits/a/train.bin",
      "data/x.csv",
      "package-lock.json",
      "package.json",
      "packages/fast-1.0.0.tgz",
      "packages/left-1.5.0.tgz",
      "packages/left-1.9.0.tgz",
      "packages/left-2.0.0.tgz",
      "packages/right-1.2.0.tgz",
      "packages/top-1.0.0.tgz",
      "sums.ipynb",
    ]);
    // Those that run something when they are installed, which npm asks for.
    expect(JSON.parse(strFromU8(files["package.json"] ?? new Uint8Array())).allowScripts).toEqual({ fast: true });
    const page = strFromU8(files["README.md"] ?? new Uint8Array());
    expect(page).toMatch(/^# Sums!\n\nTo be handed in by 2027-03-31\.\n/);
    expect(page).toContain('export CONVBOOK_CACHE="$PWD/data"');
  });

  test("installs in an empty folder from nothing but itself", () => {
    const env = {
      ...process.env,
      npm_config_cache: join(folder, ".cache"),
      npm_config_registry: "http://127.0.0.1:9/",
    };
    const run = (program: string, args: string[]) =>
      execFileSync(program, args, { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    run("npm", ["ci", "--offline"]);
    const said = run(join(folder, "node_modules/.bin/top"), []);
    expect(JSON.parse(said)).toEqual(["1.9.0", "2.0.0", "1.5.0", "fast"]);
  });
});

test("data that are missing, or are not what the manifest means, are named", () => {
  const bundle = (cache: string) => () =>
    bundleAssignment(join(project, "made"), join(project, "no.zip"), {
      packages: [],
      manifests: [join(project, "manifests/digits.json")],
      cache,
    });
  expect(bundle(join(project, "empty"))).toThrow(
    `a/train.bin is not in ${join(project, "empty/digits")}; download it first`,
  );
  const other = folderWith({ "digits/a/train.bin": "abcd" });
  expect(bundle(other)).toThrow("is not the file that the manifest means (4 of 3 bytes)");
});

test("of variants one is chosen", () => {
  const made = folderWith({
    "student/a/x.ipynb": notebookOf([]),
    "student/b/x.ipynb": notebookOf([]),
    "grader/variants.json": "{}",
    "grader/a/class.yaml": "title: A",
  });
  const out = join(made, "x.zip");
  expect(() => bundleAssignment(made, out, { packages: [] })).toThrow(
    "has variants; choose one of them with --variant: a, b",
  );
  expect(() => bundleAssignment(made, out, { packages: [], variant: "c" })).toThrow('has no variant "c"; it has a, b');
  expect(bundleAssignment(made, out, { packages: [], variant: "a" }).notebooks).toEqual(["x.ipynb"]);
  expect(() => bundleAssignment(folderWith({}), out, {})).toThrow(
    "has no folder student; give what convbook class make wrote",
  );
});
