/** `convbook class export`. */
import { join } from "node:path";
import { Command, Option } from "commander";
import { ClassroomError } from "../errors.ts";
import { terminalText } from "../values.ts";

interface Options {
  readonly to: "csv" | "canvas" | "moodle" | "gradescope" | "nbgrader";
  readonly output?: string;
  readonly roster?: string;
  readonly column?: string;
  readonly perQuestion?: boolean;
  readonly partial?: boolean;
}

const help = `
Formats:
  csv         a line a student, a column a question, total, findings
  canvas      Grades > Import; --roster with the CSV file that Canvas exports, --column "Title (ID)" for an assignment that is there
  moodle      Grades > Import > CSV file; the column "Feedback" has the reasons
  gradescope  a zip for "Configure Autograder", which gives each submission its result; --roster with addresses. Or, for
              an autograder of your own, a folder with a results.json for each student
  nbgrader    the columns of nbgrader export`;

export const exportCommand = new Command("export")
  .description("write grades for a spreadsheet or a learning platform")
  .argument("<results>", "the folder that `grade` wrote")
  .addOption(
    new Option("--to <format>", "what it is for")
      .choices(["csv", "canvas", "moodle", "gradescope", "nbgrader"])
      .makeOptionMandatory(),
  )
  .option(
    "-o, --output <path>",
    "the file (default: standard output); with gradescope a zip (default: gradescope.zip), a folder, or a .json for one result",
  )
  .option(
    "--roster <file>",
    "CSV list of the class, as Canvas, Moodle, Gradescope or nbgrader export it: ids, names, addresses",
  )
  .option("--column <title>", "what the platform calls the assignment")
  .option("--per-question", "a column for each question, too (canvas, moodle)")
  .option("--partial", "take points so far where some are still to be given by a person")
  .addHelpText("after", help)
  .action(async (folder: string, options: Options) => {
    const [results, exports, { outputFile, outputFolder }] = await Promise.all([
      import("../results/index.ts"),
      import("../exports/index.ts"),
      import("../source/index.ts"),
    ]);
    const { results: found, problems } = results.readResults(folder);
    const notes = [...problems];
    if (options.output !== undefined) {
      const isFile =
        options.to !== "gradescope" ||
        options.output.endsWith(".zip") ||
        (found.length === 1 && options.output.endsWith(".json"));
      (isFile ? outputFile : outputFolder)(options.output);
    }
    const roster =
      options.roster === undefined
        ? undefined
        : exports.readRoster(options.roster).forIds(found.map(({ result }) => result.student));
    if (options.to === "gradescope") {
      notes.push(...exports.openNotes(exports.gradesOf(found), { partial: true }));
      notes.push(...writeGradescope(found, options.output ?? "gradescope.zip", roster, results, exports));
    } else {
      const write = {
        csv: exports.plainCsv,
        canvas: exports.canvasCsv,
        moodle: exports.moodleCsv,
        nbgrader: exports.nbgraderCsv,
      }[options.to];
      const { text, notes: own } = write(exports.gradesOf(found), { ...options, roster });
      notes.push(...own);
      if (options.output === undefined) {
        process.stdout.write(text);
      } else {
        results.writePlainFile(options.output, text);
        console.log(`${found.length === 1 ? "1 result" : `${found.length} results`} in ${options.output}`);
      }
    }
    for (const note of notes) {
      console.error(terminalText(note));
    }
    process.exitCode = problems.length > 0 ? 1 : 0;
  });

function writeGradescope(
  found: readonly import("../results/index.ts").FoundResult[],
  output: string,
  roster: import("../exports/index.ts").Roster | undefined,
  { fileNames, writePlainFile }: typeof import("../results/index.ts"),
  { gradescopeJson, gradescopeZip, gradesOf }: typeof import("../exports/index.ts"),
): string[] {
  const told = `${found.length === 1 ? "1 result" : `${found.length} results`} in ${output}`;
  if (output.endsWith(".zip")) {
    const { assignments } = gradesOf(found);
    if (assignments.length > 1) {
      const names = assignments.map(({ name }) => JSON.stringify(name)).join(", ");
      throw new ClassroomError(
        "--to gradescope",
        `there are results of ${assignments.length} assignments (${names}): export each folder alone`,
      );
    }
    const { zip, unknown } = gradescopeZip(
      found.map(({ result }) => result),
      roster,
    );
    writePlainFile(output, zip);
    console.log(told);
    return unknown.length === 0
      ? []
      : [
          `Gradescope knows students by their addresses, and has none of ${unknown.slice(0, 20).join(", ")}${unknown.length > 20 ? ` and ${unknown.length - 20} more` : ""}: give --roster with a column "Email"`,
        ];
  }
  const names = fileNames(found.map(({ result }) => result.student));
  const one = found.length === 1 && output.endsWith(".json");
  for (const [i, { result }] of found.entries()) {
    const path = one ? output : join(output, names[i] ?? "", "results.json");
    writePlainFile(path, `${JSON.stringify(gradescopeJson(result), undefined, 2)}\n`);
  }
  console.log(told);
  return [];
}
