/** Installing the binding where there is no MPI, or one that does not work. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";

const source = fileURLToPath(new URL("../../lib/mpi", import.meta.url));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "convbook-mpi-"));
  const own = new RegExp(`^${source}/(build|dist)(/|$)`);
  cpSync(source, join(folder, "mpi"), { recursive: true, filter: (path) => !own.test(path) });
  symlinkSync(join(source, "../../node_modules"), join(folder, "node_modules"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function install(env: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["install/install.mjs"], {
    cwd: join(folder, "mpi"),
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return { status, said: stdout + stderr };
}

function ask(): unknown {
  const program = join(folder, "ask.mts");
  const index = JSON.stringify(join(folder, "mpi/index.ts"));
  writeFileSync(
    program,
    `import { mpi } from ${index};
    let error = "";
    try { mpi.init(); } catch (thrown) { error = thrown.code + ": " + thrown.message; }
    console.log(JSON.stringify({ available: mpi.available, reason: mpi.reason, library: mpi.library ?? null, error }));`,
  );
  const tsx = fileURLToPath(import.meta.resolve("tsx"));
  const { stdout, stderr } = spawnSync(process.execPath, ["--import", tsx, program], { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const advice =
  "(install an MPI library and a C compiler (Debian: apt install libopenmpi-dev openmpi-bin gcc), then `npm rebuild @convbook/mpi`)";

it("without mpicc it succeeds and prints nothing", () => {
  mkdirSync(join(folder, "bin"));
  expect(install({ PATH: join(folder, "bin"), MPICC: "" })).toEqual({ status: 0, said: "" });
  const reason = `its native code is not built: no mpicc was found ${advice}`;
  expect(ask()).toEqual({ available: false, reason, library: null, error: `unavailable: There is no MPI: ${reason}.` });
});

it("with an mpicc that cannot compile it succeeds and says so in one line", () => {
  const compiler = join(folder, "mpicc");
  writeFileSync(
    compiler,
    '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "mpi.h:1:1: error: no such thing" >&2\nexit 1\n',
  );
  chmodSync(compiler, 0o755);
  const { status, said } = install({ MPICC: compiler });
  expect(status).toBe(0);
  const problem = `${compiler} does not compile it: mpi.h:1:1: error: no such thing`;
  expect(said).toBe(`@convbook/mpi: ${problem}, so there is no MPI (everything else works).\n`);
  expect(ask()).toMatchObject({ available: false, reason: `its native code is not built: ${problem} ${advice}` });
});

it("where npm ran no install script the reason says what to run", () => {
  expect(ask()).toMatchObject({
    available: false,
    reason: `its native code is not built, because npm did not run its install script (npm 12 runs those that were approved); run it: node ${JSON.stringify(join(folder, "mpi/install/install.mjs"))}`,
  });
});
