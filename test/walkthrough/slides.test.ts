/** Notebook 01 as a deck: every cell says what it is of it, and no slide holds more than can be read. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Cell, type Notebook, readNotebook, stripNotebook, toSlides } from "../../lib/runner/index.ts";
import { folder } from "./preview-page.ts";

const path = join(folder, "01-inception-resnet-densenet.ipynb");
const { notebook } = readNotebook(path);
const python = "/usr/bin/python3";
const hasNbconvert = spawnSync(python, ["-c", "import nbconvert"]).status === 0;
if (!hasNbconvert) {
  console.log("slides: left out what needs nbconvert, which is not there");
}

const typeOf = ({ metadata }: Cell) => (metadata.slideshow as { slide_type?: string } | undefined)?.slide_type;
const textOf = ({ source }: Cell) => [source].flat().join("");

/** The cells that stand on each slide, without what is left out and what the speaker reads. */
function slidesOf({ cells }: Notebook): Cell[][] {
  const slides: Cell[][] = [];
  for (const cell of cells) {
    const type = typeOf(cell);
    if (type === "slide" || type === "subslide") {
      slides.push([]);
    }
    if (type !== "skip" && type !== "notes") {
      slides.at(-1)?.push(cell);
    }
  }
  return slides;
}

/**
 * About how high a cell is on nbconvert's slide of 960 to 700, without what code shows: measured there were 23 for a line of code with 41
 * around it, 26 for one of text of 72 characters with 20 behind a paragraph, 60 for a heading.
 */
function heightOf(cell: Cell): number {
  const text = textOf(cell);
  if (cell.cell_type === "code") {
    return 41 + 23 * text.split("\n").length;
  }
  return text.split(/\n{2,}/).reduce((sum, paragraph) => {
    const items = paragraph.split(/\n(?=- |\d+\. )/);
    const lines = items.reduce((count, item) => count + Math.ceil(item.replace(/\s+/g, " ").length / 72), 0);
    return sum + (paragraph.startsWith("#") ? 60 : 26 * lines + 20);
  }, 0);
}

describe("the slides of notebook 01", () => {
  it("are named by every cell, and the first begins one", () => {
    const known = ["slide", "subslide", "fragment", "notes", "skip", "-"];
    expect(notebook.cells.filter((cell) => !known.includes(String(typeOf(cell)))).map(({ id }) => id)).toEqual([]);
    expect(typeOf(notebook.cells[0] as Cell)).toBe("slide");
  });

  it("begin with each section, have something to see, and are told by headings or figures", () => {
    const sections = notebook.cells.filter((cell) => cell.cell_type === "markdown" && /^##? /.test(textOf(cell)));
    expect(sections.filter((cell) => typeOf(cell) !== "slide").map(({ id }) => id)).toEqual([]);
    const slides = slidesOf(notebook);
    expect(slides.length).toBeGreaterThan(25);
    expect(slides.filter((cells) => cells.length === 0)).toEqual([]);
    for (const id of [
      "samples",
      "inception-diagram",
      "blocks-diagram",
      "googlenet-curves",
      "results",
      "scatter",
      "confusion",
    ]) {
      expect(slides.flat().map((cell) => cell.id)).toContain(id);
    }
  });

  it("hold no more than can be read: text and code of one screen, and no line that is cut off", () => {
    for (const cells of slidesOf(notebook)) {
      const height = cells.reduce((sum, cell) => sum + heightOf(cell), 0);
      // Where code shows something, that needs its room.
      const shows = cells.some((cell) => cell.cell_type === "code");
      expect({ id: cells[0]?.id, height, fits: height <= (shows ? 640 : 660) }).toMatchObject({ fits: true });
      for (const cell of cells.filter((each) => each.cell_type === "code")) {
        expect(
          textOf(cell)
            .split("\n")
            .filter((line) => line.length > 70),
          cell.id,
        ).toEqual([]);
      }
    }
  });

  it("stay in the file when its outputs are taken out", () => {
    const text = readFileSync(path, "utf8");
    expect(stripNotebook(text, path)).toBe(text);
  });

  it("are those of our converter", async () => {
    const html = await toSlides(notebook, { scripts: "cdn" });
    expect(leavesOf(html)).toBe(slidesOf(notebook).length);
  }, 60_000);

  it.runIf(hasNbconvert)(
    "are those of nbconvert",
    () => {
      const out = mkdtempSync(join(tmpdir(), "slides-"));
      execFileSync(python, ["-m", "nbconvert", "--to", "slides", path, "--output-dir", out, "--log-level", "ERROR"]);
      const html = readFileSync(join(out, "01-inception-resnet-densenet.slides.html"), "utf8");
      expect(leavesOf(html)).toBe(slidesOf(notebook).length);
      rmSync(out, { recursive: true });
    },
    60_000,
  );
});

/** Slides of a page: sections that hold none. */
function leavesOf(html: string): number {
  const tags = html.match(/<section\b|<\/section>/g) ?? [];
  return tags.filter((tag, i) => tag === "</section>" && tags[i - 1] !== "</section>").length;
}
