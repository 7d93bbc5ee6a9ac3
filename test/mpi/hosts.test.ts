/** Ranks on two hosts that speak by TCP: one of them stopped, cut off and slowed in the middle of an epoch. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { Hosts } from "./hosts.ts";
import { launch, libraries } from "./launch.ts";

const program = fileURLToPath(new URL("./programs/hosts.ts", import.meta.url));
const openMpi = libraries.find(({ family }) => family === "Open MPI");

function makeHosts(): Hosts | undefined {
  if (openMpi === undefined) {
    return undefined;
  }
  try {
    return new Hosts();
  } catch (error) {
    console.log(`Left out: two hosts on one machine, which needs root and iproute2. ${(error as Error).message}`);
    return undefined;
  }
}

const hosts = makeHosts();
const folder = mkdtempSync(join(tmpdir(), "convbook-two-hosts-"));
afterAll(() => {
  hosts?.remove();
  rmSync(folder, { recursive: true });
});

interface Found {
  readonly result: { readonly status: string; readonly globalStep: number };
  readonly hash: string;
  readonly nodes: number;
  readonly localRank: number;
  readonly prepared: number;
}

describe.runIf(hosts !== undefined)("two hosts", { timeout: 300_000 }, () => {
  let count = 0;
  let whole: readonly Found[] | undefined;
  const host = hosts as Hosts;
  afterEach(() => {
    host.quicken();
    host.mend();
  });

  /** Trains; `disturb` comes after some steps, told of the second host's process. */
  async function train(seconds: number, disturb?: () => void, ...more: readonly string[]) {
    const report = join(folder, `report-${count++}`);
    let isDisturbed = false;
    const ended = await launch(
      { family: "Open MPI", launcher: host.launcher },
      2,
      program,
      [report, `${seconds}`, ...more],
      {
        onOutput: (text) => {
          if (/step (4[5-9]|5\d) /.test(text) && !isDisturbed) {
            isDisturbed = true;
            disturb?.();
          }
        },
      },
    );
    const found = [0, 1].flatMap((rank) =>
      existsSync(`${report}.${rank}`) ? [JSON.parse(readFileSync(`${report}.${rank}`, "utf8")) as Found] : [],
    );
    return { ...ended, found, isDisturbed };
  }

  /** No process is left on either, after a moment. */
  async function expectNobody(): Promise<void> {
    const left = () => [...host.processes(0), ...host.processes(1)];
    for (let i = 0; i < 200 && left().length > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(left()).toEqual([]);
  }

  /** What a run that nobody disturbed comes to. */
  async function undisturbed(): Promise<readonly string[]> {
    whole ??= (await train(120)).found;
    expect(whole).toHaveLength(2);
    return whole.map(({ hash }) => hash);
  }

  it("are two machines to the ranks, and each prepares its data once", async () => {
    const { code, stderr, found } = await train(120);
    expect(code, stderr).toBe(0);
    expect(found.map(({ nodes, localRank, prepared }) => [nodes, localRank, prepared])).toEqual([
      [2, 0, 1],
      [2, 0, 1],
    ]);
    expect(found.map(({ result }) => result.globalStep)).toEqual([80, 80]);
    expect(found[1]?.hash).toBe(found[0]?.hash);
    whole = found;
    await expectNobody();
  });

  it("when the cable gets slow in the middle of an epoch, the run gets slow and nothing else", async () => {
    let how = "";
    const { code, stderr, found } = await train(120, () => {
      how = host.slow();
    });
    expect(code, stderr).toBe(0);
    console.log(`Slowed with ${how}${how === "tbf" ? ", because this kernel has no netem" : ""}`);
    expect(how).toMatch(/netem|tbf/);
    expect(found.map(({ hash }) => hash)).toEqual(await undisturbed());
  });

  it("when one is stopped the other ends after the timeout and says so, and the run goes on later", async () => {
    const part = join(folder, "stopped");
    const stop = () => {
      for (const pid of host.processes(1)) {
        if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("hosts.mjs")) {
          process.kill(pid, "SIGSTOP");
        }
      }
    };
    const { code, stderr, found, isDisturbed } = await train(20, stop, part);
    expect(isDisturbed).toBe(true);
    expect(code).not.toBe(0);
    expect(found).toEqual([]);
    // It may be stopped before a call or within one, where the library waits for it.
    expect(stderr).toMatch(/Within 20 s rank 1 did not (come to|finish) /);
    await expectNobody();
    expect(readdirSync(part).sort()).toEqual(["epoch=0-step=40.safetensors", "last.safetensors"]);
    const again = await train(120, undefined, part, "last");
    expect(again.code, again.stderr).toBe(0);
    expect(again.found.map(({ hash }) => hash)).toEqual(await undisturbed());
  });

  it("when one is cut off both end after the timeout, and nobody is left", async () => {
    const { code, stderr, found, isDisturbed } = await train(20, () => host.cut());
    expect(isDisturbed).toBe(true);
    expect(code).not.toBe(0);
    expect(found).toEqual([]);
    expect(stderr).toMatch(/Within 20 s |lost|abort|unreachable/i);
    host.mend();
    await expectNobody();
  });
});
