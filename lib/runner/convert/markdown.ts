/** A notebook as Markdown, with its pictures beside it or in it. */
import { stripVTControlCharacters } from "node:util";
import { type Cell, type CodeCell, joinLines, type Notebook, type Output, tagsOf } from "../notebook/types.ts";
import { asObject } from "../objects.ts";
import { overwrite } from "./html/ansi.ts";
import { escapeHtml } from "./html/escape.ts";
import { decodePercent } from "./html/notebook-files.ts";
import { notebookLanguage } from "./html/render-cells.ts";

/** A file that belongs to a converted notebook. */
export interface ConvertedFile {
  /** Relative to the document. */
  readonly path: string;
  readonly data: Buffer;
}

export interface MarkdownResult {
  readonly text: string;
  readonly files: readonly ConvertedFile[];
}

export interface MarkdownOptions {
  /** Folder for pictures, relative to the document; default: pictures are put into the document. */
  readonly filesFolder?: string | undefined;
}

/** Converts a notebook to Markdown. */
export function toMarkdown(notebook: Notebook, options: MarkdownOptions = {}): MarkdownResult {
  const language = notebookLanguage(notebook);
  const writer = new MarkdownWriter(language, options.filesFolder);
  const parts = notebook.cells.map((cell, index) => writer.cell(cell, index)).filter((part) => part.trim() !== "");
  return { text: `${parts.join("\n\n")}\n`, files: writer.files };
}

const extensions: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/svg+xml": "svg",
};

class MarkdownWriter {
  readonly files: ConvertedFile[] = [];
  readonly #language: string;
  readonly #folder: string | undefined;

  constructor(language: string, folder: string | undefined) {
    this.#language = language;
    this.#folder = folder;
  }

  cell(cell: Cell, index: number): string {
    const tags = tagsOf(cell).map((tag) => tag.replaceAll("_", "-"));
    const source = joinLines(cell.source);
    if (tags.includes("remove-cell")) {
      return "";
    }
    if (cell.cell_type === "markdown") {
      return this.#attachments(source, cell, index);
    }
    if (cell.cell_type === "raw") {
      const format = cell.metadata.format ?? cell.metadata.raw_mimetype;
      return format === undefined || format === "text/markdown" ? source : "";
    }
    const input = tags.includes("remove-input") || source.trim() === "" ? "" : fenced(source, this.#language);
    const outputs = tags.includes("remove-output") ? [] : this.#outputs(cell, index);
    return [input, ...outputs].filter((part) => part !== "").join("\n\n");
  }

  #outputs(cell: CodeCell, index: number): string[] {
    return cell.outputs.map((output, number) => this.#output(output, `output_${index}_${number}`));
  }

  #output(output: Output, name: string): string {
    switch (output.output_type) {
      case "stream":
        return indented(plain(joinLines(output.text)));
      case "error":
        return indented(
          plain(output.traceback.map((line) => joinLines(line)).join("\n") || `${output.ename}: ${output.evalue}`),
        );
      default:
        return this.#bundle(output.data, name, output.metadata);
    }
  }

  #bundle(data: Readonly<Record<string, unknown>>, name: string, metadata: Readonly<Record<string, unknown>>): string {
    const text = (mimetype: string) => joinLines(data[mimetype]);
    if (data["text/markdown"] !== undefined) {
      return text("text/markdown");
    }
    for (const mimetype of Object.keys(extensions)) {
      if (data[mimetype] !== undefined) {
        const bytes =
          mimetype === "image/svg+xml" ? Buffer.from(text(mimetype)) : Buffer.from(text(mimetype), "base64");
        const { alt, width, height } = asObject(metadata[mimetype]);
        const words = typeof alt === "string" ? alt : altText(text("text/plain"));
        const path = this.#picture(mimetype, bytes, name);
        // Pictures are mostly drawn with more pixels than they are to take. Markdown's own form has no place for a size.
        return isSize(width) && isSize(height)
          ? `<img src="${escapeHtml(path)}" alt="${escapeHtml(words.replace(/\s+/g, " "))}" width="${width}" height="${height}">`
          : `![${words.replace(/[[\]\s]+/g, " ").trim()}](${path})`;
      }
    }
    if (data["text/latex"] !== undefined) {
      return text("text/latex");
    }
    if (data["text/html"] !== undefined) {
      return text("text/html").trim();
    }
    return data["text/plain"] === undefined ? "" : indented(plain(text("text/plain")));
  }

  #picture(mimetype: string, bytes: Buffer, name: string): string {
    if (this.#folder === undefined) {
      return `data:${mimetype};base64,${bytes.toString("base64")}`;
    }
    const path = `${this.#folder}/${name}.${extensions[mimetype] ?? "bin"}`;
    this.files.push({ path, data: bytes });
    return path.split("/").map(encodeURIComponent).join("/");
  }

  #attachments(source: string, cell: Cell, index: number): string {
    // In Markdown's own brackets, and in the attributes of HTML.
    return source.replace(
      /(\]\(\s*<?|\b(?:src|poster|href)\s*=\s*["']?)attachment:([^)\s"'>]+)/gi,
      (whole, before: string, name: string) => {
        const own = cell.attachments ?? {};
        const key = [name, decodePercent(name)].find((each) => Object.hasOwn(own, each));
        const [mimetype, data] = Object.entries((key === undefined ? undefined : own[key]) ?? {})[0] ?? [];
        const safe = name.replace(/[^\w.-]/g, "_").replace(/\.[^.]*$/, "");
        return mimetype === undefined
          ? whole
          : `${before}${this.#picture(mimetype, Buffer.from(joinLines(data), "base64"), `attachment_${index}_${safe}`)}`;
      },
    );
  }
}

function plain(text: string): string {
  return overwrite(stripVTControlCharacters(text));
}

function fenced(code: string, language: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${code.replace(/\n$/, "")}\n${fence}`;
}

/** Text as a Markdown code block, which is how nbconvert shows outputs. */
function indented(text: string): string {
  const trimmed = text.replace(/\s+$/, "");
  return trimmed === ""
    ? ""
    : trimmed
        .split("\n")
        .map((line) => `    ${line}`)
        .join("\n");
}

/** Whether metadata tell a width or a height in pixels. */
function isSize(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

function altText(text: string): string {
  const clean = plain(text).trim();
  return clean === "" || /^<[^>]*>$/.test(clean)
    ? "Figure"
    : (clean.split("\n")[0] ?? "").slice(0, 120).replace(/[[\]]/g, "");
}
