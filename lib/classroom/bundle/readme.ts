/** What a student reads first. */

/** What the page speaks of. */
export interface ReadmeFacts {
  readonly title: string;
  readonly due: string | null;
  readonly notebooks: readonly string[];
  readonly hasData: boolean;
}

/** The README of a bundle. */
export function readmeFor({ title, due, notebooks, hasData }: ReadmeFacts): string {
  const data = hasData
    ? `
Data and checkpoints are in the folder \`data\`. Say so in the terminal from which you start Jupyter, in this folder:

    export CONVBOOK_CACHE="$PWD/data"    # Windows: set CONVBOOK_CACHE=%CD%\\data
`
    : "";
  return `# ${title}
${due === null ? "" : `\nTo be handed in by ${due}.\n`}
Everything is in this folder: no network is needed. You need Node.js 20.19 or newer, and Jupyter or VS Code for the notebooks.

    npm ci --offline
    npx convbook kernel install
${data}
Then open ${notebooks.map((name) => `\`${name}\``).join(", ")} and choose the kernel "TypeScript (Convbook)".

- Write where it says so: in place of \`todo(…)\`, "YOUR CODE HERE" and "YOUR ANSWER HERE". Other cells are put back as they were before anything is graded.
- Run all cells from top to bottom in a fresh kernel before you hand in.
- \`npx convbook class check ${notebooks[0] ?? "NOTEBOOK"}\` runs the tests that you can see, and says what else it found.

The packages were bundled on ${process.platform} (${process.arch}). On another system some of them may be missing; use \`npm install convbook\` there.
`;
}
