/** `convbook class make`. */
import { Command } from "commander";

interface Options {
  readonly output: string;
  readonly students?: string;
  readonly kernelDir?: string;
}

export const makeCommand = new Command("make")
  .description(
    "write student/, solution/ and grader/, proven: the solution gets all points, an untouched notebook none",
  )
  .argument("<source>", "the teacher's folder with notebooks and class.yaml, or a notebook")
  .option("-o, --output <folder>", "where the three folders go", "dist")
  .option("--students <file>", "ids, one a line or in the first column of a CSV file; each gets a variant")
  .option("--kernel-dir <folder>", "kernelspecs that are searched before Jupyter's")
  .action(async (source: string, { output, students, kernelDir }: Options) => {
    const [{ makeAssignment }, { inputText }] = await Promise.all([
      import("../make/index.ts"),
      import("../source/index.ts"),
    ]);
    const { notebooks, notes } = await makeAssignment(source, output, {
      kernelDir,
      students: students === undefined ? undefined : studentIds(inputText(students, "a list of ids")),
      onProven: ({ name, variant, automatic, manual, seconds }) => {
        const which = variant === null ? name : `${name}, variant ${variant}`;
        const byHand = manual > 0 ? `, ${manual} more from a person` : "";
        console.log(
          `${which}: the solution gets ${automatic} of ${automatic} points, an untouched notebook 0${byHand} (${seconds.toFixed(1)} s)`,
        );
      },
    });
    for (const note of notes) {
      console.warn(note);
    }
    console.log(
      `${notebooks.length === 1 ? "1 notebook" : `${notebooks.length} notebooks`} in ${output}/student, solution and grader`,
    );
  });

/** Ids of students: the first column; a heading that says so is none of them. */
function studentIds(text: string): string[] {
  const ids = text
    .split(/\r?\n/)
    .map((line) => (line.split(/[,;\t]/)[0] ?? "").trim().replace(/^"(.*)"$/, "$1"))
    .filter((id) => id !== "" && !id.startsWith("#"));
  return /^(id|student|student[ _]?id|user|username|login)$/i.test(ids[0] ?? "") ? ids.slice(1) : ids;
}
