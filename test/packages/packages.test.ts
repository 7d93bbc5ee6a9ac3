/** What npm publishes of each package: whole, without tests, with types that every resolver finds, and its commands tell their version. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-packages-"));
afterAll(() => rmSync(folder, { recursive: true }));

const npm = (args: readonly string[], cwd: string) =>
  execFileSync("npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    shell: process.platform === "win32",
  });

describe.each(["engine", "mpi", "kernel", "runner", "classroom", "convbook"])("lib/%s", (name) => {
  const place = join(root, "lib", name);
  const { version, description, license } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));

  it("packs what it needs, and neither tests nor build records", () => {
    // Its own scripts copy data into the package and out again, which other tests would see.
    const said = JSON.parse(npm(["pack", "--dry-run", "--json", "--ignore-scripts"], place));
    const [{ files }] = Object.values(said) as [{ files: readonly { path: string }[] }];
    const paths = files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "package.json", "index.ts", "dist/index.js", "dist/index.d.ts"]),
    );
    expect(
      paths.filter((path) => /\.tsbuildinfo$|\.test\.|(^|\/)(testing|fixtures|node_modules)\//.test(path)),
    ).toEqual([]);
    expect([version, license]).toEqual(["0.1.0", "MIT"]);
    expect(description.length).toBeGreaterThan(20);
  });

  it("is clean for publint", async () => {
    const { messages } = await publint({ pkgDir: place, pack: false });
    expect(messages.filter(({ type }) => type !== "suggestion")).toEqual([]);
  });

  it("has types where every resolver looks for them (attw)", () => {
    npm(["pack", "--ignore-scripts", "--pack-destination", folder], place);
    const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
    const file = JSON.parse(readFileSync(join(place, "package.json"), "utf8"))
      .name.replace("@", "")
      .replace("/", "-");
    const packed = join(folder, `${file}-${version}.tgz`);
    const said = execFileSync(process.execPath, [attw, packed, "--profile", "esm-only", "--format", "json"], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    const { analysis } = JSON.parse(said) as {
      analysis: { entrypoints: object; problems: readonly { kind: string; resolutionKind?: string }[] };
    };
    expect(Object.keys(analysis.entrypoints)).toContain(".");
    // CommonJS and the resolver of Node 10 are not asked of packages of ES modules.
    const others = ["node10", "node16-cjs"];
    const { problems } = analysis;
    expect(problems.filter(({ resolutionKind = "" }) => !others.includes(resolutionKind))).toEqual([]);
  });
});

it.each([
  ["lib/convbook/bin/convbook.mjs", "convbook"],
  ["lib/runner/bin/nbconvert-ts-runner.mjs", "nbconvert-ts-runner"],
])("%s tells its version", (program) => {
  const { version } = JSON.parse(readFileSync(join(root, program, "../../package.json"), "utf8"));
  expect(execFileSync(process.execPath, [join(root, program), "--version"], { encoding: "utf8" }).trim()).toBe(version);
});
