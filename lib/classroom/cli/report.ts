/** `convbook class report`. */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command } from "commander";

export const reportCommand = new Command("report")
  .description("write a page on the whole class: distribution, questions, common errors, time and memory, likeness")
  .argument("<results>", "the folder that `grade` wrote")
  .option("-o, --output <file>", "the page (default: report.html in that folder)")
  .action(async (folder: string, { output }: { output?: string }) => {
    const [{ readResults, writePlainFile }, { reportPage }, { outputFile }] = await Promise.all([
      import("../results/index.ts"),
      import("../pages/index.ts"),
      import("../source/index.ts"),
    ]);
    const { results, problems } = readResults(folder);
    const file = output ?? join(statSync(folder).isDirectory() ? folder : dirname(folder), "report.html");
    outputFile(file);
    for (const problem of problems) {
      console.error(problem);
    }
    writePlainFile(file, reportPage(results.map(({ result }) => result)));
    console.log(`${results.length === 1 ? "1 submission" : `${results.length} submissions`}: ${file}`);
    process.exitCode = problems.length > 0 ? 1 : 0;
  });
