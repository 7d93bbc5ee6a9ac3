/** The command line `nbconvert-ts-runner`. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { exitCodes, RunnerError } from "../errors.ts";
import { listKernelspecs } from "../kernels/kernelspec.ts";
import { addConvertCommand } from "./convert.ts";
import { addStripCommand, addValidateCommand } from "./keep-clean.ts";
import { addRunCommand } from "./run.ts";
import { joinParameters } from "./values.ts";

const about = `Runs Jupyter notebooks as tests, on any kernel; converts them, and keeps them clean.`;

const overview = `
Examples:
  $ nbconvert-ts-runner "notebooks/*.ipynb"             run notebooks, the same as: nbconvert-ts-runner run …
  $ nbconvert-ts-runner notebooks --check --timeout 600 compare with the stored outputs, in bounded time
  $ nbconvert-ts-runner run --help                      all options of a run
  $ nbconvert-ts-runner convert --to html demo.ipynb    a page of a notebook as it is
  $ nbconvert-ts-runner strip --check notebooks         fail where outputs are in git`;

/**
 * Runs the command.
 *
 * @param args The arguments behind the command's name.
 * @returns The exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const finish = (code: number) => {
    exitCode = Math.max(exitCode, code);
  };
  const program = new Command("nbconvert-ts-runner")
    .description(about)
    .version(packageVersion(), "-V, --version")
    .showHelpAfterError("(add --help for the options)")
    .addHelpText("after", overview)
    .exitOverride();
  addRunCommand(program, finish);
  addConvertCommand(program);
  addStripCommand(program, finish);
  addValidateCommand(program, finish);
  program
    .command("kernels")
    .description("list the installed kernels")
    .option("--kernel-dir <folder>", "folder of a kernelspec, searched before Jupyter's")
    .action((flags: { kernelDir?: string }) => {
      const onBroken = (problem: string) => process.stderr.write(`nbconvert-ts-runner: left out: ${problem}\n`);
      for (const spec of listKernelspecs({ kernelDir: flags.kernelDir, onBroken })) {
        process.stdout.write(
          `${spec.name.padEnd(16)} ${spec.language.padEnd(12)} ${spec.displayName}  ${spec.folder}\n`,
        );
      }
    });
  for (const command of program.commands) {
    command.exitOverride();
  }
  try {
    await program.parseAsync(joinParameters(args), { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    }
    if (error instanceof RunnerError) {
      process.stderr.write(`nbconvert-ts-runner: ${error.message}\n`);
      return error.exitCode;
    }
    throw error;
  }
}

function packageVersion(): string {
  // The same from the sources and from dist: one folder up or two.
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // The other one.
    }
  }
  return "unknown";
}
