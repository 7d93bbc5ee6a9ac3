/** Saves a notebook of several megabytes again and again until it is killed. Usage: node save-loop.mjs PATH */
import { serializeNotebook, writeAtomically } from "../../lib/runner/dist/notebook/write.js";

const texts = [1, 2].map((count) =>
  serializeNotebook({
    cells: [
      {
        cell_type: "code",
        execution_count: count,
        id: "a",
        metadata: {},
        outputs: [{ output_type: "stream", name: "stdout", text: `${count}\n`.repeat(40_000 * count) }],
        source: ["x"],
      },
    ],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  }),
);
for (let index = 0; ; index++) {
  writeAtomically(process.argv[2], texts[index % 2]);
  if (index === 0) {
    process.stdout.write("saved\n");
  }
}
