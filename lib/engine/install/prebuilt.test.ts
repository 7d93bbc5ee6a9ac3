/** Which binary made beforehand a process takes, by its system and its C library, and that the workflow makes them all. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";

interface Machine {
  readonly platform: string;
  readonly arch: string;
  readonly libc?: string;
}
const { prebuiltName, prebuiltPath, shipped } = createRequire(import.meta.url)("./prebuilt.cjs") as {
  prebuiltName(machine?: Machine): string;
  prebuiltPath(root: string, machine?: Machine): string | undefined;
  shipped: readonly string[];
};
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "convbook-prebuilt-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(root, { recursive: true });
});

function ship(...names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(root, "prebuilds", name)), { recursive: true });
    writeFileSync(join(root, "prebuilds", name), "");
  }
}

/** As Node reports on a system with glibc, or with musl. */
function on(libc: "glibc" | "musl"): void {
  const header = libc === "glibc" ? { glibcVersionRuntime: "2.36" } : {};
  if (process.report === undefined) {
    throw new Error("Node makes reports");
  }
  vi.spyOn(process.report, "getReport").mockReturnValue({ header } as never);
}

const glibc: Machine = { platform: "linux", arch: "x64", libc: "glibc" };
const musl: Machine = { ...glibc, libc: "musl" };

it("none, where none is shipped for this system", () => {
  expect(prebuiltPath(root)).toBeUndefined();
  ship("plan9-mips/engine.node");
  expect(prebuiltPath(root)).toBeUndefined();
});

it("the one that there is, where names say nothing of a C library", () => {
  ship("linux-x64/engine.node", "linux-x64/README.txt");
  expect(prebuiltPath(root, musl)).toBe(join(root, "prebuilds/linux-x64/engine.node"));
});

it("none, where only the other C library has one, or one is being written", () => {
  ship("linux-x64/engine.glibc.node", "linux-x64/.engine.musl.node.123");
  expect(prebuiltPath(root, musl)).toBeUndefined();
  expect(prebuiltPath(root, glibc)).toBe(join(root, "prebuilds/linux-x64/engine.glibc.node"));
});

it.runIf(process.platform === "linux").each(["glibc", "musl"] as const)("this process with %s", (libc) => {
  on(libc);
  const name = `linux-${process.arch}/engine.${libc}.node`;
  ship(`linux-${process.arch}/engine.glibc.node`, `linux-${process.arch}/engine.musl.node`);
  expect(prebuiltName()).toBe(name);
  expect(prebuiltPath(root)).toBe(join(root, "prebuilds", name));
});

describe("what a release has", () => {
  const machines: Machine[] = [
    ...["x64", "arm64"].flatMap((arch) => ["glibc", "musl"].map((libc) => ({ platform: "linux", arch, libc }))),
    ...["x64", "arm64"].map((arch) => ({ platform: "darwin", arch })),
    { platform: "win32", arch: "x64" },
  ];

  it("is one for each machine, which the loader takes there and nowhere else", () => {
    ship(...shipped);
    const taken = machines.map((machine) => prebuiltPath(root, machine));
    expect(taken).toEqual(machines.map((machine) => join(root, "prebuilds", prebuiltName(machine))));
    expect(taken.map((path) => path?.slice(join(root, "prebuilds/").length)).sort()).toEqual([...shipped].sort());
  });

  it("is what the workflow makes, tries and gathers", () => {
    const file = fileURLToPath(new URL("../../../.github/workflows/prebuild.yml", import.meta.url));
    interface Step {
      readonly uses?: string;
    }
    interface Job {
      readonly strategy?: { readonly matrix: { readonly include: readonly { readonly binary: string }[] } };
      readonly steps: readonly Step[];
    }
    const { jobs } = parse(readFileSync(file, "utf8")) as { jobs: Record<string, Job> };
    const made = (job: string) => jobs[job]?.strategy?.matrix.include.map(({ binary }) => binary).sort();
    expect(made("build")).toEqual([...shipped].sort());
    expect(made("try")).toEqual([...shipped].sort());
    // What somebody else could change under its name would run with the release's rights.
    const uses = Object.values(jobs).flatMap(({ steps }) => steps.flatMap((step) => step.uses ?? []));
    expect(uses.length).toBeGreaterThan(0);
    expect(uses.filter((name) => !/^actions\/[\w-]+@[0-9a-f]{40}$/.test(name))).toEqual([]);
  });
});
