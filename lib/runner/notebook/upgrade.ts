/** Brings notebooks of nbformat 3 and of 4.0 to 4.4 to 4.5. */
import { createHash } from "node:crypto";
import { NotebookError } from "../errors.ts";
import { asCopyOf, parseJsonText } from "./json/index.ts";
import { type Cell, joinLines, type Notebook, splitLines } from "./types.ts";

type Loose = Record<string, unknown>;

/** Short names that nbformat 3 has for mimetypes. */
const mimetypes: Readonly<Record<string, string>> = {
  text: "text/plain",
  html: "text/html",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  latex: "text/latex",
  json: "application/json",
  javascript: "application/javascript",
};

/**
 * Upgrades a notebook to nbformat 4.5. Cells get ids that follow from their place and text, so that an upgrade that is
 * done twice gives the same file.
 *
 * @param json The notebook's JSON, of nbformat 3 or 4.
 * @returns The upgraded notebook; the same object where it is up to date.
 * @throws NotebookError for other versions.
 */
export function upgradeNotebook(json: unknown, path: string): Notebook {
  const old = json as Loose;
  if (old?.nbformat === 4) {
    const notebook = old as unknown as Notebook;
    if (notebook.nbformat_minor >= 5) {
      return notebook;
    }
    return asCopyOf({ ...notebook, cells: withIds(notebook.cells), nbformat_minor: 5 }, notebook);
  }
  if (old?.nbformat !== 3) {
    throw new NotebookError(
      path,
      `is of nbformat ${JSON.stringify(old?.nbformat) ?? "unknown"}; only 3 and 4 can be upgraded`,
    );
  }
  const { name: _, signature: __, ...metadata } = asObject(old.metadata);
  const sheets = Array.isArray(old.worksheets) ? old.worksheets : [];
  const cells = sheets
    .flatMap((sheet) => (Array.isArray(asObject(sheet).cells) ? (asObject(sheet).cells as unknown[]) : []))
    .map((cell) => upgradeCell(asObject(cell)));
  return { cells: withIds(cells), metadata, nbformat: 4, nbformat_minor: 5 };
}

function withIds(cells: readonly Cell[]): Cell[] {
  const used = new Set(cells.map((cell) => cell.id).filter((id) => id !== undefined));
  return cells.map((cell, index) => {
    if (cell.id !== undefined) {
      return cell;
    }
    let id: string;
    let salt = 0;
    do {
      id = createHash("sha256")
        .update(`${index}\0${salt++}\0${joinLines(cell.source)}`)
        .digest("hex")
        .slice(0, 8);
    } while (used.has(id));
    used.add(id);
    const { cell_type, ...rest } = cell;
    return asCopyOf({ cell_type, id, ...rest } as Cell, cell);
  });
}

function upgradeCell(old: Loose): Cell {
  const metadata = asObject(old.metadata);
  switch (old.cell_type) {
    case "code":
      return {
        cell_type: "code",
        execution_count: typeof old.prompt_number === "number" ? old.prompt_number : null,
        metadata: old.collapsed === true ? { ...metadata, collapsed: true } : metadata,
        outputs: (Array.isArray(old.outputs) ? old.outputs : []).map(
          (output) => upgradeOutput(asObject(output)) as never,
        ),
        source: splitLines(joinLines(old.input)),
      };
    case "heading": {
      const level = typeof old.level === "number" ? Math.min(6, Math.max(1, old.level)) : 1;
      const text = joinLines(old.source).split(/\r?\n/).join(" ");
      return { cell_type: "markdown", metadata, source: [`${"#".repeat(level)} ${text}`] };
    }
    case "raw":
      return { cell_type: "raw", metadata, source: splitLines(joinLines(old.source)) };
    default:
      return { cell_type: "markdown", metadata, source: splitLines(joinLines(old.source)) };
  }
}

function upgradeOutput(old: Loose): Loose {
  const { output_type: type, metadata, prompt_number: count, stream, ...rest } = old;
  if (type === "stream") {
    return { name: typeof stream === "string" ? stream : "stdout", output_type: "stream", text: rest.text ?? [] };
  }
  if (type === "pyerr" || type === "error") {
    return {
      ename: rest.ename ?? "",
      evalue: rest.evalue ?? "",
      output_type: "error",
      traceback: rest.traceback ?? [],
    };
  }
  const data: Loose = {};
  for (const [key, value] of Object.entries(rest)) {
    const mimetype = mimetypes[key] ?? key;
    data[mimetype] = mimetype === "application/json" ? parsed(joinLines(value)) : value;
  }
  return type === "pyout" || type === "execute_result"
    ? {
        data,
        execution_count: typeof count === "number" ? count : null,
        metadata: asObject(metadata),
        output_type: "execute_result",
      }
    : { data, metadata: asObject(metadata), output_type: "display_data" };
}

function parsed(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return text;
  }
}

function asObject(value: unknown): Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Loose) : {};
}
