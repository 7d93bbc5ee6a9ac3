/** `convbook class feedback`. */
import { dirname, join } from "node:path";
import { Command } from "commander";

export const feedbackCommand = new Command("feedback")
  .description("write a page for each student: points, what failed and why, comments, plots")
  .argument("<results>", "the folder that `grade` wrote")
  .option("-o, --output <folder>", "write STUDENT.html there (default: feedback.html beside each result)")
  .action(async (folder: string, { output }: { output?: string }) => {
    const [{ fileNames, readResults, writePlainFile }, { feedbackPage }, { outputFolder }] = await Promise.all([
      import("../results/index.ts"),
      import("../pages/index.ts"),
      import("../source/index.ts"),
    ]);
    const { results, problems } = readResults(folder);
    if (output !== undefined) {
      outputFolder(output);
    }
    const severalOf = new Set(results.map(({ result }) => result.assignment)).size > 1;
    const names = fileNames(
      results.map(({ result }) => (severalOf ? `${result.student}_${result.assignment}` : result.student)),
    );
    for (const [i, { path, result }] of results.entries()) {
      const file = output === undefined ? join(dirname(path), "feedback.html") : join(output, `${names[i]}.html`);
      writePlainFile(file, feedbackPage(result));
    }
    for (const problem of problems) {
      console.error(problem);
    }
    console.log(`${results.length === 1 ? "1 page" : `${results.length} pages`} in ${output ?? folder}`);
    process.exitCode = problems.length > 0 ? 1 : 0;
  });
