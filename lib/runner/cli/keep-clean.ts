/** The commands that keep notebooks in git clean: strip and validate. */
import { resolve } from "node:path";
import { text as readStream } from "node:stream/consumers";
import type { Command } from "commander";
import { exitCodes } from "../errors.ts";
import { parseJson, readText } from "../notebook/read.ts";
import { stripNotebook } from "../notebook/strip.ts";
import { upgradeNotebook } from "../notebook/upgrade.ts";
import { detectStyle, serializeNotebook, writeAtomically } from "../notebook/write.ts";
import { shownPath } from "../run/run-many.ts";
import { notebookPaths } from "./paths.ts";
import { collect } from "./values.ts";

const stripExamples = `
Examples:
  $ nbconvert-ts-runner strip notebooks             take outputs and counts out, leave every other byte
  $ nbconvert-ts-runner strip --check notebooks     fail where there are some
  $ git config filter.notebooks.clean "npx nbconvert-ts-runner strip -"
  $ echo "*.ipynb filter=notebooks" >> .gitattributes`;

export function addStripCommand(program: Command, finish: (exitCode: number) => void): void {
  program
    .command("strip")
    .description("take outputs and execution counts out of notebooks")
    .argument("<notebooks...>", "notebooks, folders or patterns; - reads standard input and writes standard output")
    .option("--check", "change nothing; fail where there is something to strip")
    .option("--keep-tag <tag>", "leave cells with this tag alone (default: keep-output)", collect)
    .addHelpText("after", stripExamples)
    .action(async (notebooks: string[], flags: { check?: boolean; keepTag?: string[] }) => {
      const options = { keepTags: flags.keepTag };
      if (notebooks.length === 1 && notebooks[0] === "-") {
        process.stdout.write(stripNotebook(await readStream(process.stdin), "standard input", options));
        return;
      }
      for (const path of await notebookPaths(notebooks)) {
        const text = readText(path);
        const stripped = stripNotebook(text, path, options);
        if (stripped === text) {
          continue;
        }
        if (flags.check) {
          process.stdout.write(`${shownPath(path)} has outputs or execution counts\n`);
          finish(exitCodes.different);
        } else {
          writeAtomically(resolve(path), stripped);
          process.stdout.write(`${shownPath(path)} stripped\n`);
        }
      }
    });
}

const validateExamples = `
Examples:
  $ nbconvert-ts-runner validate notebooks
  $ nbconvert-ts-runner validate --upgrade old.ipynb    nbformat 3 and 4.0-4.4 become 4.5`;

export function addValidateCommand(program: Command, finish: (exitCode: number) => void): void {
  program
    .command("validate")
    .description("check notebooks against the official nbformat schema")
    .argument("<notebooks...>", "notebooks, folders or patterns")
    .option("--upgrade", "bring older notebooks to nbformat 4.5 first")
    .addHelpText("after", validateExamples)
    .action(async (notebooks: string[], flags: { upgrade?: boolean }) => {
      const { validateNotebook } = await import("../notebook/validate.ts");
      for (const path of await notebookPaths(notebooks)) {
        let text = readText(path);
        if (flags.upgrade) {
          const before = parseJson(text, path) as { nbformat?: unknown; nbformat_minor?: unknown };
          const after = upgradeNotebook(before, path);
          if ((after as unknown) !== before) {
            text = serializeNotebook(after, detectStyle(text));
            writeAtomically(resolve(path), text);
            process.stdout.write(`${shownPath(path)} upgraded to nbformat 4.5\n`);
          }
        }
        const problems = validateNotebook(text, path);
        for (const { pointer, message, line } of problems) {
          process.stdout.write(`${shownPath(path)}${line === undefined ? "" : `:${line}`}: ${pointer} ${message}\n`);
        }
        if (problems.length > 0) {
          finish(exitCodes.badNotebook);
        }
      }
    });
}
