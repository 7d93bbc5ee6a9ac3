/** `convbook class grade`: grades what was handed in. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { ClassroomError } from "../errors.ts";
import type { Result } from "../results/index.ts";
import { leastMemory, terminalText } from "../values.ts";

interface Options {
  readonly out: string;
  readonly grader?: string;
  readonly handedOut?: string;
  readonly jobs: number;
  readonly student?: readonly string[];
  readonly force?: boolean;
  readonly timeout?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly processes?: number;
  readonly maxOutput?: number;
}

export const gradeCommand = new Command("grade")
  .description("grades submissions: folders by student, notebooks, zips")
  .argument(
    "<submissions>",
    "a folder (STUDENT/x.ipynb, STUDENT/ASSIGNMENT/x.ipynb, STUDENT.ipynb, STUDENT.zip), a notebook, or a zip",
  )
  .requiredOption("-o, --out <folder>", "where results are written: STUDENT/result.json, junit.xml")
  .option("-g, --grader <path>", "the grader's folder or notebook (default: dist/grader or grader, where it is)")
  .option("--handed-out <path>", "what students got (default: the folder student beside the grader's)")
  .option(
    "-j, --jobs <number>",
    "submissions at a time",
    wholeNumber,
    Math.max(1, Math.min(4, availableParallelism() - 1)),
  )
  .option("-s, --student <name...>", "only these students")
  .option("-f, --force", "grade again what is graded already")
  .option("-t, --timeout <seconds>", "for a cell (default: that of class.yaml, or 60)", positive)
  .option("-m, --memory <size>", "for a kernel with what it starts, for instance 2G", kernelSize)
  .option("--disk <size>", "what a submission may write (default: 256M)", size)
  .option("--processes <number>", "that a submission may have at a time (default: 64)", wholeNumber)
  .option("--max-output <size>", "of a cell (default: 4M)", size)
  .action(async (submissions: string, options: Options) => {
    const { gradeClass } = await import("../grade/index.ts");
    const { timeout, memory, disk, processes, maxOutput: output } = options;
    const stop = new AbortController();
    const onSignal = () => stop.abort(new Error("interrupted; start it again to go on"));
    process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
    let done = 0;
    try {
      const lines = await gradeClass(submissions, {
        grader: options.grader ?? usualGrader(),
        student: options.handedOut,
        out: options.out,
        needsPoints: true,
        jobs: options.jobs,
        only: options.student,
        force: options.force,
        limits: { timeout, memory, disk, processes, output },
        signal: stop.signal,
        onResult: (result, kept) => {
          done++;
          const told =
            result.findings.length === 0
              ? ""
              : `, ${result.findings.length} finding${result.findings.length === 1 ? "" : "s"}`;
          const state =
            result.status === "needsManual"
              ? byHand(result)
              : result.status === "failed"
                ? ", could not be graded"
                : "";
          console.log(
            `${done} ${terminalText(result.student.replaceAll("\n", "\\n"))}: ${result.points} of ${result.maxPoints}${state}${told}${kept ? " (as before)" : ""}`,
          );
          if (result.status === "failed" && !kept) {
            for (const { message } of result.findings) {
              console.error(`  ${terminalText(message).replaceAll("\n", "\n  ")}`);
            }
          }
        },
      });
      const failed = lines.filter(({ status }) => status === "failed").length;
      console.log(
        `${lines.length - failed} graded into ${options.out}${failed === 0 ? "" : `; ${failed} could not be`}`,
      );
      process.exitCode = failed > 0 ? 1 : 0;
    } finally {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    }
  });

/** What a person has to do, and to do again. */
function byHand({ tasks }: Result): string {
  const again = tasks.filter(({ points, earlier }) => points === null && earlier !== undefined).length;
  return again === 0 ? ", some by hand" : `, ${again} by hand again: the answer is another one`;
}

function usualGrader(): string {
  const found = ["dist/grader", "grader"].find(existsSync);
  if (found === undefined) {
    throw new ClassroomError(
      ".",
      'has no grader: neither "dist/grader" nor "grader"; make it with "convbook class make", or give --grader',
    );
  }
  return found;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) {
    throw new InvalidArgumentError("Expected a whole number that is 1 or more.");
  }
  return value;
}

function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0) || value === Infinity) {
    throw new InvalidArgumentError("Expected a number of seconds greater than 0.");
  }
  return value;
}

function kernelSize(text: string): number {
  const bytes = size(text);
  if (bytes < leastMemory) {
    throw new InvalidArgumentError("Expected at least 32M for a kernel.");
  }
  return bytes;
}

function size(text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMG]?)i?B?$/i.exec(text.trim()) ?? [];
  if (amount === undefined || Number(amount) <= 0) {
    throw new InvalidArgumentError("Expected a size such as 512M or 2G.");
  }
  return Math.round(Number(amount) * 1024 ** ("KMG".indexOf(unit.toUpperCase() || "-") + 1));
}
