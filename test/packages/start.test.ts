/** `convbook start` from the packages alone: packed as npm publishes them, laid into an empty folder, without the repository. */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cifar10 } from "../../lib/convbook/data/index.ts";
import { cacheFolder } from "../../lib/convbook/download/index.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-alone-"));
const project = join(folder, "project");
const convbook = join(project, "node_modules/convbook");
const own = ["engine", "mpi", "kernel", "runner", "classroom", "convbook"];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Packs a folder with the scripts that belong to packing, and lays what npm would publish into the project. */
function install(place: string): void {
  const npm = ["pack", "--json", "--pack-destination", folder];
  execFileSync("npm", npm, { cwd: place, stdio: ["ignore", "pipe", "ignore"], shell: process.platform === "win32" });
  const { name, version } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  const target = join(project, "node_modules", name);
  mkdirSync(target, { recursive: true });
  const packed = `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
  execFileSync("tar", ["-xzf", join(folder, packed), "-C", target, "--strip-components=1"]);
}

/** What npm would fetch: the packages of others, as they are installed here. */
function linkOthers(from: string, to: string): void {
  const ours = new Set(
    own.map((name) => JSON.parse(readFileSync(join(root, "lib", name, "package.json"), "utf8")).name),
  );
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((entry) => !entry.startsWith("."))) {
    if (name.startsWith("@")) {
      linkOthers(join(from, name), join(to, name));
    } else if (!ours.has(basename(from).startsWith("@") ? `${basename(from)}/${name}` : name)) {
      symlinkSync(join(from, name), join(to, name), "junction");
    }
  }
}

beforeAll(() => {
  linkOthers(join(root, "node_modules"), join(project, "node_modules"));
  for (const name of own) {
    const place = join(root, "lib", name);
    linkNested(place, name);
    // A copy, with what stands beside it in the repository: packing copies that into the package and out again.
    const copy = join(folder, "repository/lib", name);
    const filter = (path: string) => !/[\\/](node_modules|build|\.build-[^\\/]*)$/.test(path);
    cpSync(place, copy, { recursive: true, filter });
    for (const beside of name === "convbook" ? ["datasets", "notebooks"] : []) {
      cpSync(join(root, beside), join(folder, "repository", beside), { recursive: true });
    }
    install(copy);
  }
  // What the engine's install script builds where there is a compiler.
  const built = join(root, "lib/engine/build/Release");
  for (const file of existsSync(built) ? readdirSync(built).filter((one) => one.endsWith(".node")) : []) {
    cpSync(join(built, file), join(project, "node_modules/@convbook/engine/build/Release", file));
  }
  rmSync(join(folder, "repository"), { recursive: true });
});

/** The packages of others that npm keeps beside one of ours, since another version lies at the top. */
function linkNested(place: string, name: string): void {
  const nested = join(place, "node_modules");
  if (existsSync(nested)) {
    const { name: full } = JSON.parse(readFileSync(join(root, "lib", name, "package.json"), "utf8"));
    linkOthers(nested, join(project, "node_modules", full, "node_modules"));
  }
}

const start = (args: readonly string[], env: NodeJS.ProcessEnv) =>
  run(process.execPath, [join(convbook, "bin/convbook.mjs"), "start", ...args], {
    cwd: project,
    env: { ...process.env, ...env },
  });

describe("convbook start from the package alone", () => {
  it("comes with the walkthrough", () => {
    const name = "01-inception-resnet-densenet.ipynb";
    const published = readFileSync(join(convbook, "notebooks", name), "utf8");
    expect(published).toBe(readFileSync(join(root, "notebooks", name), "utf8"));
    expect(existsSync(join(dirname(convbook), "lib"))).toBe(false);
  });

  it("says what to do where the data cannot be had", async () => {
    const env = { CONVBOOK_CACHE: join(folder, "empty"), CONVBOOK_MIRROR: "" };
    const failure = await start(["--offline"], env).catch((error) => error);
    expect(failure.code).toBe(1);
    expect(failure.stderr).toContain("CONVBOOK_MIRROR");
    expect(failure.stderr).not.toMatch(/^\s+at /m);
  });

  it("executes the walkthrough into out/ of the folder where it is called", async () => {
    await cifar10({ train: true });
    await cifar10({ train: false });
    const { stdout } = await start(["--images", "96"], { CONVBOOK_CACHE: cacheFolder() });
    expect(stdout).toContain("Evaluating 96 of 15,000 images");
    expect(stdout).toMatch(/GoogleNet +[\d.]+ % +[\d.]+ %/);
    expect(stdout).toMatch(/The page is out[\\/]01-inception-resnet-densenet\.html/);
    const page = readFileSync(join(project, "out/01-inception-resnet-densenet.html"), "utf8");
    expect(page).toContain("Inception, ResNet and DenseNet on CIFAR-10");
    // What the notebook imported is the package, and nothing was left in it.
    expect(readdirSync(join(convbook, "notebooks"))).toEqual(["01-inception-resnet-densenet.ipynb"]);
  }, 300_000);
});
