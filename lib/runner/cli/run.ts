/** The command that runs notebooks. */
import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { NotebookPositions } from "../notebook/positions.ts";
import { readText } from "../notebook/read.ts";
import { writeAtomically } from "../notebook/write.ts";
import { LiveReport } from "../report/live.ts";
import { pagePath, writePage } from "../report/page.ts";
import { checkOutputNames } from "../run/output-names.ts";
import { exitCodeOf, type NotebookOutcome, runNotebooks } from "../run/run-many.ts";
import { parameterBase64, parameterFile, parameterYaml } from "./parameter-values.ts";
import { notebookPaths } from "./paths.ts";
import { collect, collectParameter, memorySize, positiveInteger, positiveNumber } from "./values.ts";

interface RunFlags {
  readonly outputDir?: string;
  readonly save: boolean;
  readonly kernel?: string;
  readonly kernelDir?: string;
  readonly cwd?: string;
  readonly jobs: number;
  readonly timeout?: number;
  readonly notebookTimeout?: number;
  readonly startupTimeout: number;
  readonly interruptGrace: number;
  readonly memory?: number;
  readonly maxOutput?: number;
  readonly parameters?: Record<string, unknown>;
  readonly parametersRaw?: Record<string, unknown>;
  readonly parametersFile?: string[];
  readonly parametersYaml?: string[];
  readonly parametersBase64?: string[];
  readonly fast?: boolean;
  readonly allowErrors?: boolean;
  readonly failFast?: boolean;
  readonly record: boolean;
  readonly check?: boolean;
  readonly update?: boolean;
  readonly rtol?: number;
  readonly atol?: number;
  readonly sanitize?: string[];
  readonly cache?: string | true;
  readonly html?: string;
  readonly remoteImages?: boolean;
  readonly junit?: string;
  readonly json?: string;
  readonly summary?: string;
  readonly github?: boolean;
  readonly slowest: number;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

const examples = `
Examples:
  $ nbconvert-ts-runner notebook.ipynb                        run it, save it in place
  $ nbconvert-ts-runner "notebooks/*.ipynb" --output-dir out  leave the originals alone
  $ nbconvert-ts-runner notebooks --jobs 4 --html out         four at a time, a page of each
  $ nbconvert-ts-runner train.ipynb -p epochs 3 -p lr 0.01    with parameters, as papermill has them
  $ nbconvert-ts-runner notebooks --check --rtol 1e-3         compare with the stored outputs
  $ nbconvert-ts-runner notebooks --check --update            and take over what changed
  $ nbconvert-ts-runner notebooks --timeout 600 --memory 4G --junit report.xml

Exit codes: 0 all passed, 1 a cell failed, 2 bad usage, 3 outputs differ, 4 out of time, 5 kernel died,
            6 not a notebook or not writable, 7 kernel not installed, 130 interrupted`;

/** Adds the command; it is what runs when no command is named. */
export function addRunCommand(program: Command, finish: (exitCode: number) => void): void {
  program
    .command("run", { isDefault: true })
    .description("run notebooks and save them, after every cell")
    .argument("[notebooks...]", "notebooks, folders, or patterns such as 'notebooks/*.ipynb'")
    .option("-o, --output-dir <folder>", "save the executed notebooks there (default: in place)")
    .option("--no-save", "save nothing")
    .option("-k, --kernel <name>", "kernelspec to use (default: the notebook's own)")
    .option("--kernel-dir <folder>", "folder of a kernelspec, searched before Jupyter's")
    .option("--cwd <folder>", "the kernels' working folder (default: each notebook's)")
    .option("-j, --jobs <n>", "notebooks at a time; the next kernel starts meanwhile", positiveInteger, 1)
    .option("-t, --timeout <seconds>", "time for a cell: it is interrupted, then its kernel killed", positiveNumber)
    .option("--notebook-timeout <seconds>", "time for a whole notebook", positiveNumber)
    .option("--startup-timeout <seconds>", "time for a kernel to start", positiveNumber, 60)
    .option("--interrupt-grace <seconds>", "time between the interrupt and the kill", positiveNumber, 5)
    .option("-m, --memory <size>", "memory for a kernel with all it starts, such as 4G", memorySize)
    .option("--max-output <size>", "output of a cell, such as 64M (default: 32M)", memorySize)
    .option("-p, --parameters <name value>", "set a parameter (may be given more than once)", collectParameter(false))
    .option("-r, --parameters-raw <name value>", "set a parameter to a text as it is", collectParameter(true))
    .option("-f, --parameters-file <file>", "set parameters from a YAML or JSON file", collect)
    .option("-y, --parameters-yaml <yaml>", "set parameters from YAML", collect)
    .option("-b, --parameters-base64 <text>", "set parameters from YAML in Base64", collect)
    .option("--fast", "use the notebooks' own fast parameters (metadata runner.fast)")
    .option("--allow-errors", "go on after a cell that failed")
    .option("--fail-fast", "start no notebook after one that did not pass")
    .option("--no-record", "keep times and memory out of the cells' metadata")
    .option("--check", "compare fresh outputs with the stored ones")
    .option("--update", "with --check: save what differs")
    .option("--rtol <number>", "with --check: relative tolerance of numbers", positiveNumber)
    .option("--atol <number>", "with --check: absolute tolerance of numbers", positiveNumber)
    .option("--sanitize <what>", "with --check: ignore times, paths, hashes, addresses, or a /pattern/", collect)
    .option("--cache [folder]", "skip notebooks that passed and whose inputs are unchanged")
    .option("--html <folder>", "write a page of each notebook there")
    .option("--remote-images", "with --html: pages may load pictures from addresses when they are opened")
    .option("--junit <file>", "write a JUnit XML report")
    .option("--json <file>", "write a JSON report")
    .option("--summary <file>", "write a Markdown summary (default in GitHub Actions: the job's)")
    .option("--github", "print GitHub annotations (default in GitHub Actions)")
    .option("--slowest <n>", "list the n slowest cells", positiveNumber, 0)
    .option("-v, --verbose", "show what the cells print")
    .option("-q, --quiet", "show only what went wrong")
    .addHelpText("after", examples)
    .action(async (notebooks: string[], flags: RunFlags) => finish(await run(notebooks, flags)));
}

async function run(notebooks: readonly string[], flags: RunFlags): Promise<number> {
  const paths = await notebookPaths(notebooks);
  const { html } = flags;
  if (html !== undefined) {
    checkOutputNames(paths, (path) => pagePath(path, html));
  }
  const live = new LiveReport({
    stream: process.stdout,
    verbose: flags.verbose,
    quiet: flags.quiet,
    slowest: flags.slowest,
  });
  const { signal, end } = abortOnSignals();
  const pages: Promise<void>[] = [];
  const leftOut: string[] = [];
  let outcomes: NotebookOutcome[];
  try {
    outcomes = await runNotebooks(paths, {
      ...live.events,
      outputDir: flags.outputDir,
      save: flags.save,
      kernel: flags.kernel,
      kernelDir: flags.kernelDir,
      cwd: flags.cwd,
      jobs: flags.jobs,
      timeout: flags.timeout,
      notebookTimeout: flags.notebookTimeout,
      startupTimeout: flags.startupTimeout,
      interruptGrace: flags.interruptGrace,
      memory: flags.memory,
      maxOutput: flags.maxOutput,
      parameters: parametersOf(flags),
      fast: flags.fast,
      allowErrors: flags.allowErrors,
      failFast: flags.failFast,
      record: flags.record,
      check: flags.check === true || flags.update === true,
      update: flags.update,
      compare: { rtol: flags.rtol, atol: flags.atol, sanitize: flags.sanitize },
      written: [flags.html, flags.junit, flags.json, flags.summary].flatMap((path) => path ?? []),
      cache: flags.cache === true ? join(".cache", "nbconvert-ts-runner") : flags.cache,
      signal,
      onOutcome: (outcome) => {
        live.events.onOutcome(outcome);
        if (html !== undefined && outcome.notebook !== undefined) {
          const onWarning = (message: string) => leftOut.push(`${outcome.path}: warning: ${message}`);
          const { remoteImages } = flags;
          pages.push(writePage(outcome.notebook, outcome.path, html, { remoteImages, onWarning }));
        }
      },
    });
    await Promise.all(pages);
  } finally {
    end();
  }
  live.end(outcomes);
  for (const line of leftOut) {
    process.stderr.write(`${line}\n`);
  }
  await writeReports(outcomes, flags);
  return signal.aborted ? 130 : exitCodeOf(outcomes);
}

/** In papermill's order: what is said for one parameter goes before what is said for many. */
function parametersOf(flags: RunFlags): Record<string, unknown> {
  return Object.assign(
    {},
    ...(flags.parametersBase64 ?? []).map(parameterBase64),
    ...(flags.parametersFile ?? []).map(parameterFile),
    ...(flags.parametersYaml ?? []).map(parameterYaml),
    flags.parameters,
    flags.parametersRaw,
  );
}

/** SIGHUP comes when the terminal is closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal ends the run in good order, the second at once. */
function abortOnSignals(): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) {
      process.exit(130);
    }
    process.stderr.write(
      "Interrupting: the running cells are stopped and the notebooks saved (again to leave at once)\n",
    );
    controller.abort();
  };
  for (const name of signals) {
    process.on(name, stop);
  }
  return {
    signal: controller.signal,
    end: () => {
      for (const name of signals) {
        process.off(name, stop);
      }
    },
  };
}

async function writeReports(outcomes: readonly NotebookOutcome[], flags: RunFlags): Promise<void> {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY } = process.env;
  const fileLine = lineFinder();
  if (flags.junit !== undefined) {
    const { junitReport } = await import("../report/junit.ts");
    writeAtomically(resolve(flags.junit), junitReport(outcomes, fileLine));
  }
  if (flags.json !== undefined) {
    const { jsonReport } = await import("../report/json.ts");
    writeAtomically(resolve(flags.json), jsonReport(outcomes));
  }
  if (flags.github ?? GITHUB_ACTIONS === "true") {
    const { githubAnnotations } = await import("../report/github.ts");
    for (const line of githubAnnotations(outcomes, fileLine)) {
      process.stdout.write(`${line}\n`);
    }
  }
  if (flags.summary !== undefined || GITHUB_STEP_SUMMARY) {
    const { markdownSummary } = await import("../report/github.ts");
    const text = markdownSummary(outcomes);
    if (flags.summary !== undefined) {
      writeAtomically(resolve(flags.summary), text);
    } else {
      appendFileSync(GITHUB_STEP_SUMMARY as string, text);
    }
  }
}

/** Lines in the notebooks' files as they are now, each read once and only where something is to be told. */
function lineFinder(): (path: string, index: number, line: number) => number | undefined {
  const known = new Map<string, NotebookPositions>();
  return (path, index, line) => {
    try {
      const positions = known.get(path) ?? new NotebookPositions(readText(path));
      known.set(path, positions);
      return positions.fileLine(index, line);
    } catch {
      return undefined;
    }
  };
}
