/** `convbook class check`: what a student can know before handing in. */
import { basename } from "node:path";
import { Command } from "commander";
import type { Result } from "../results/index.ts";
import { terminalText } from "../values.ts";

interface Options {
  readonly given?: string;
  readonly output?: string;
  readonly zip: boolean;
}

export const checkCommand = new Command("check")
  .description("runs a notebook's public tests in a fresh kernel, and writes the zip to hand in")
  .argument("<file>", "the student's notebook")
  .option("--given <path>", "the notebook as it was handed out: finds cells that are missing")
  .option("-o, --output <zip>", "the zip to hand in (default: the notebook's name with .zip)")
  .option("--no-zip", "check only")
  .action(async (file: string, { given, output, zip }: Options) => {
    const { checkFile } = await import("../check/index.ts");
    const { writePlainFile } = await import("../results/index.ts");
    const { outputFile } = await import("../source/index.ts");
    const place = output ?? `${file.replace(/\.ipynb$/i, "")}.zip`;
    if (zip) {
      outputFile(place);
    }
    const checked = await checkFile(file, { given });
    for (const line of told(checked.result)) {
      console.log(terminalText(line));
    }
    console.log(`SHA-256 ${checked.hash}`);
    process.exitCode = checked.result.status === "failed" ? 1 : 0;
    if (zip) {
      writePlainFile(place, checked.zip);
      console.log(`Hand in ${basename(place)}: ${checked.files.join(", ")}`);
    }
  });

/** The result in lines for a terminal. */
function told({ tasks, findings, points, maxPoints }: Result): string[] {
  const marks: Record<string, string> = { passed: "✓", partly: "~", manual: "?", notRun: "?" };
  return [
    ...tasks.flatMap((task) => [
      `${marks[task.status] ?? "✗"} ${task.title} (${task.id}): ${task.points === null ? "a person gives" : task.points} of ${task.maxPoints}`,
      ...task.reasons
        .filter(({ passed }) => !passed)
        .map(({ name, message, got, expected }) =>
          [
            `    ${name}${message === undefined ? "" : `: ${message}`}`,
            got && `got ${got}`,
            expected && `expected ${expected}`,
          ]
            .filter(Boolean)
            .join("; "),
        ),
    ]),
    ...findings.map(
      ({ cell, message }) => `! ${cell === null ? "" : `${cell}: `}${message.replaceAll("\n", "\n    ")}`,
    ),
    `${points} of ${maxPoints} points so far, by the public tests`,
  ];
}
