/**
 * Ranks that are killed at random moments: everybody ends, files stay whole, and the run goes on. CONVBOOK_KILLS=30 kills thirty times, under
 * each library that is here, and CONVBOOK_KILL_SEED chooses other moments.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { loadCheckpoint } from "../../lib/convbook/checkpoints/index.ts";
import { Generator, randint } from "../../lib/convbook/random/index.ts";
import { type Ended, launch, libraries } from "./launch.ts";
import type { Kill } from "./programs/killed.ts";

const kills = Number(process.env.CONVBOOK_KILLS ?? 4);
const seed = Number(process.env.CONVBOOK_KILL_SEED ?? 1);
/** Longer than the run's own timeout of 30 s: who still runs so long after a kill, hangs. */
const patience = 120_000;
const moments = ["start", "step", "save", "evaluation"] as const;
const program = fileURLToPath(new URL("./programs/killed.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "convbook-killed-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Report {
  readonly status: string;
  readonly globalStep: number;
  readonly hash: string;
}

/** All moments in turns, for both ranks. */
function choose(count: number): Kill[] {
  const generator = new Generator(seed);
  const draw = (below: number) => Number(randint(0, below, [1], { generator }).data[0]);
  return Array.from({ length: count }, (_, i) => {
    const moment = moments[i % moments.length] ?? "step";
    const late = moment === "start" ? 400 : 12;
    return { rank: draw(2), moment, nth: 1 + draw(moment === "start" ? 2 : 4), delay: draw(late) };
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.each(process.env.CONVBOOK_KILLS === undefined ? libraries.slice(0, 1) : libraries)(
  "under $family",
  (library) => {
    // Between two kills it comes about an epoch further.
    const epochs = `${3 * kills + 2}`;

    /** Runs to the end, or to a kill; nobody may be left then. */
    async function run(path: string, report: string, kill?: Kill): Promise<Ended & { readonly wasKilled: boolean }> {
      const pids = new Set<number>();
      let launcher = 0;
      let [wasKilled, isLate] = [false, false];
      let rest = "";
      let late: NodeJS.Timeout | undefined;
      const endAll = () => {
        isLate = true;
        for (const pid of [launcher, ...pids]) {
          if (isAlive(pid)) {
            process.kill(pid, "SIGKILL");
          }
        }
      };
      const ended = await launch(library, 2, program, [path, epochs, report, JSON.stringify(kill ?? null)], {
        onStart: (pid) => {
          launcher = pid;
        },
        onOutput: (text) => {
          const lines = (rest + text).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            const [, pid, moment] = /^@ \d+ (\d+) (\w+)$/.exec(line) ?? [];
            if (pid !== undefined) {
              pids.add(Number(pid));
              if (moment !== "pid") {
                wasKilled = true;
                late ??= setTimeout(endAll, patience);
              }
            }
          }
        },
      });
      clearTimeout(late);
      expect(isLate, `hangs after ${JSON.stringify(kill)}\n${ended.stderr}`).toBe(false);
      for (let i = 0; i < 100 && [...pids].some(isAlive); i++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect([...pids].filter(isAlive), `left over after ${JSON.stringify(kill)}`).toEqual([]);
      return { ...ended, wasKilled };
    }

    it(
      `${kills} times a rank is killed, and the run ends as one that was not disturbed`,
      async () => {
        const reportsOf = (path: string) =>
          [0, 1].map((rank): Report => JSON.parse(readFileSync(`${path}.${rank}`, "utf8")));
        const own = join(folder, library.family);
        const whole = await run(join(own, "whole"), `${own}-whole`);
        expect(whole.code, whole.stderr).toBe(0);
        const path = join(own, "killed");
        const report = `${own}-killed`;
        let count = 0;
        for (const kill of choose(kills)) {
          const ended = await run(path, report, kill);
          if (ended.wasKilled && !existsSync(`${report}.0`)) {
            count++;
            expect(ended.code, JSON.stringify(kill)).not.toBe(0);
          }
          const files = existsSync(path) ? readdirSync(path).filter((name) => !name.startsWith(".")) : [];
          for (const name of files) {
            expect(name).toMatch(/^(epoch=\d+-step=\d+(-v\d+)?|last)\.safetensors$/);
            await loadCheckpoint(join(path, name));
          }
        }
        expect(count).toBe(kills);
        const last = await run(path, report);
        expect(last.code, last.stderr).toBe(0);
        expect(reportsOf(report)).toEqual(reportsOf(`${own}-whole`));
        // What kills cut short is cleared away.
        expect(readdirSync(path).filter((name) => name.startsWith("."))).toEqual([]);
      },
      (kills + 2) * patience,
    );
  },
);
