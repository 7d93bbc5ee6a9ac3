/** `convbook class manual`. */
import { existsSync } from "node:fs";
import { Command } from "commander";
import { ClassroomError } from "../errors.ts";

export const manualCommand = new Command("manual")
  .description("write a table of what a person grades; take its points and comments back")
  .argument("<results>", "the folder that `grade` wrote")
  .option("-o, --output <file>", "the table (CSV), for the columns points and comment", "manual.csv")
  .option("--take <file>", "put a table's points and comments into the results")
  .action(async (folder: string, { output, take }: { output: string; take?: string }) => {
    const [{ readResults, writePlainFile }, { manualTable, takeManual }, { tableOf }, { inputText, outputFile }] =
      await Promise.all([
        import("../results/index.ts"),
        import("../exports/manual.ts"),
        import("../exports/csv.ts"),
        import("../source/index.ts"),
      ]);
    const { results, problems } = readResults(folder);
    if (take === undefined) {
      outputFile(output);
      // It may hold points and comments that nobody has taken yet.
      if (existsSync(output)) {
        throw new ClassroomError(output, "is there already; take it with --take, or write another with --output");
      }
      writePlainFile(output, manualTable(results));
      console.log(
        `Fill in points and comments in ${output}, then: npx convbook class manual ${folder} --take ${output}`,
      );
    } else {
      const changed = takeManual(
        results,
        tableOf(inputText(take, "the table that manual wrote"), take, "this table"),
        take,
      );
      for (const { path, result } of changed) {
        writePlainFile(path, `${JSON.stringify(result, undefined, 2)}\n`);
      }
      console.log(`${changed.length === 1 ? "1 result" : `${changed.length} results`} changed`);
    }
    for (const problem of problems) {
      console.error(problem);
    }
    process.exitCode = problems.length > 0 ? 1 : 0;
  });
