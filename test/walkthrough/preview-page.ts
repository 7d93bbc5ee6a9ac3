/** The page that GitHub shows of the notebooks' folder: a picture and the table of results of each. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tutorial5 } from "convbook";

/** The folder of the notebooks. */
export const folder = fileURLToPath(new URL("../../notebooks", import.meta.url));

interface Cell {
  readonly id: string;
  readonly cell_type: string;
  readonly source: string | readonly string[];
}

/** Which cell's first picture stands for a notebook. */
export const pictureCells: Readonly<Record<string, string>> = {
  "01-inception-resnet-densenet": "inception-diagram",
  "02-training-on-cifar10": "overfit",
  "03-resnet-on-cifar100": "diagram",
  "04-diffraction-1d-resnet": "centrings",
  "05-imagenet-resnets": "predict",
  "06-what-the-network-sees": "cam",
  "07-text-detection-fots": "after",
  "08-initialization-and-optimization": "slice",
  "09-94-percent-in-minutes": "figure",
};

/** What is known of the picture of a notebook. */
export interface Preview {
  /** Hash of the notebook's sources when it was made. */
  readonly sources: string;
  readonly alt: string;
}

/** The names of all notebooks. */
export function notebookNames(): string[] {
  return readdirSync(folder)
    .filter((name) => /^[^.].*\.ipynb$/.test(name))
    .map((name) => name.slice(0, -".ipynb".length))
    .sort();
}

function cellsOf(name: string): readonly Cell[] {
  const { cells } = JSON.parse(readFileSync(join(folder, `${name}.ipynb`), "utf8")) as { cells: Cell[] };
  return cells;
}

const textOf = ({ source }: Cell) => [source].flat().join("");

/** A hash of what a notebook's cells say. */
export function hashOf(name: string): string {
  const sources = cellsOf(name).map((cell) => [cell.cell_type, textOf(cell)]);
  return createHash("sha256").update(JSON.stringify(sources)).digest("hex");
}

/** The table below "What must come out", or the published one that notebook 01 reproduces. */
function resultsOf(name: string): string {
  if (name.startsWith("01-")) {
    const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
    const rows = tutorial5.modelNames.map((model) => {
      const { val, test, parameters } = tutorial5.publishedTable[model];
      return `| ${model} | ${percent(val)} | ${percent(test)} | ${parameters.toLocaleString("en-US")} |`;
    });
    return ["| model | validation | test | parameters |", "|---|---:|---:|---:|", ...rows].join("\n");
  }
  const [, after = ""] = cellsOf(name).map(textOf).join("\n\n").split("### What must come out");
  const lines = (after.split(/^#/m)[0] ?? "").split("\n");
  return lines.filter((line) => line.startsWith("|")).join("\n");
}

/** @param previews by the notebooks' names */
export function pageOf(previews: Readonly<Record<string, Preview>>): string {
  const parts = notebookNames().map((name) => {
    const [first] = cellsOf(name);
    const title = /^# (.*)$/m.exec(first === undefined ? "" : textOf(first))?.[1] ?? name;
    const alt = (previews[name]?.alt ?? "").replace(/[[\]\n]/g, " ");
    const results = resultsOf(name);
    return [
      `## [${name.slice(0, 2)}. ${title}](${name}.ipynb)`,
      `![${alt}](previews/${name.slice(0, 2)}.png)`,
      ...(results === "" ? [] : [results]),
    ].join("\n\n");
  });
  return [
    "# The walkthroughs",
    "Notebooks are stored without outputs. These pictures are from runs in the fast mode; the tables are what a run must give, as each notebook says at its end\n" +
      "and asserts in its cells. `npm start` runs the first, `npx nbconvert-ts-runner notebooks/*.ipynb --fast --output-dir out --html out` all of them.",
    "The first, once it ran, is a deck, too: `jupyter nbconvert --to slides out/01-inception-resnet-densenet.ipynb`, or, as a file that needs no network,\n" +
      "`npx nbconvert-ts-runner convert --to slides out/01-inception-resnet-densenet.ipynb`.",
    ...parts,
    "<!-- Made by npm run previews; see CONTRIBUTING.md. -->",
  ]
    .join("\n\n")
    .concat("\n");
}

/** What the pictures were made from. */
export function readPreviews(): Record<string, Preview> {
  return JSON.parse(readFileSync(join(folder, "previews/sources.json"), "utf8")) as Record<string, Preview>;
}
