/** What all submissions of one grading share: the assignment, the limits, the walls, and the record of all that. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Assignment } from "../source/index.ts";
import { fieldsOf } from "../values.ts";
import { described, type Limits, wallsHere } from "./box.ts";
import { sealedNode } from "./sealed.ts";
import type { GradeContext } from "./submission.ts";

/** Limits, of which those that are undefined are the assignment's. */
export type GivenLimits = { readonly [Key in keyof Limits]?: Limits[Key] | undefined };

/** What is so where neither `class.yaml` nor an option says. */
const standardLimits = { disk: 256 * 2 ** 20, processes: 64, output: 4 * 2 ** 20 };

/** What a context is made of. */
export interface ContextOptions {
  readonly grader: Assignment;
  readonly student: Assignment | undefined;
  readonly variant: string | null;
  readonly limits: GivenLimits | undefined;
  readonly hidden: readonly string[];
  readonly execution: GradeContext["execution"];
  readonly signal: AbortSignal | undefined;
}

/** A context for submissions of one assignment and, where it has them, one variant. */
export async function contextOf(options: ContextOptions): Promise<GradeContext> {
  const { grader, student, variant, hidden, execution, signal } = options;
  const limits = limitsOf(grader, options.limits);
  const walls = await wallsHere();
  return {
    grader,
    student,
    limits,
    walls,
    sealed: walls === "closed" ? sealedNode() : undefined,
    hidden,
    execution,
    signal,
    provenance: {
      grader: assignmentHash(grader),
      variant,
      seed: grader.settings.seed,
      versions: versions(),
      machine: {
        system: `${process.platform} ${process.arch}`,
        processor: cpus()[0]?.model.trim() ?? "unknown",
        threads: limits.threads,
      },
      limits: { ...limits },
      isolation: described(walls, limits),
    },
  };
}

function limitsOf({ settings }: Assignment, given: GivenLimits = {}): Limits {
  const { timeout, memory, network, threads } = settings;
  const base = { ...standardLimits, timeout, memory, network, threads, total: 10 * timeout };
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...base, ...own };
}

/** SHA-256 over what the grader is: its notebooks, its settings and its files. */
function assignmentHash({ folder, notebooks, files, settings }: Assignment): string {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const path of [...notebooks.map((each) => each.path), ...files.map((name) => join(folder, name))]) {
    hash.update(readFileSync(path));
  }
  return hash.digest("hex");
}

function versions(): Record<string, string> {
  const load = createRequire(import.meta.url);
  const of = (name: string) => {
    try {
      return String(fieldsOf(load(`${name}/package.json`)).version);
    } catch {
      return "unknown";
    }
  };
  return { node: process.versions.node, kernel: of("@convbook/kernel"), v8: process.versions.v8 };
}
