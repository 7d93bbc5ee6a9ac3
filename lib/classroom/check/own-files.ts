/** Which of the files beside a notebook are handed in with it: those that its code names, and those that these name in turn. */
import { basename, extname } from "node:path";
import { joinLines, type Notebook } from "nbconvert-ts-runner";

const scripts = /\.[mc]?[jt]sx?$/i;
const sources = /\.(?:[mc]?[jt]sx?|py|json)$/i;
/** Sources longer than that are data in disguise. */
const longestSource = 2 ** 20;

/**
 * Names of the files beside a notebook that its code cells name: `import { f } from "./helper"`, `readFileSync("data/mine.csv")`, `from helper import f`.
 * A name that is put together from other texts is not found where its last part does not stand in quotation marks.
 *
 * @param files by path relative to the notebook, "/" between names
 */
export function namedFiles(notebook: Notebook, files: ReadonlyMap<string, () => Uint8Array>): string[] {
  const named = new Set<string>();
  const texts = notebook.cells.flatMap((cell) => (cell.cell_type === "code" ? [joinLines(cell.source)] : []));
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    for (const [name, read] of files) {
      if (named.has(name) || !isNamed(text, name)) {
        continue;
      }
      named.add(name);
      if (sources.test(name)) {
        const bytes = read();
        if (bytes.length <= longestSource) {
          texts.push(Buffer.from(bytes).toString());
        }
      }
    }
  }
  return [...named].sort();
}

function isNamed(text: string, name: string): boolean {
  const base = basename(name);
  const stem = basename(name, extname(name));
  return (
    stands(text, base) ||
    (scripts.test(name) && (stands(text, stem) || stands(text, `${stem}.js`))) ||
    (name.endsWith(".py") && new RegExp(`\\b(?:import|from)\\s[^\\n]*\\b${escaped(stem)}\\b`).test(text))
  );
}

/** Whether a name is the last part of a text in quotation marks, or with a dot in it a word of a command. */
function stands(text: string, name: string): boolean {
  const blank = name.includes(".") ? "\\s" : "";
  return new RegExp(`["'\`/\\\\${blank}]${escaped(name)}(?:\\?[^"'\`]*)?["'\`${blank}]`).test(text);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
