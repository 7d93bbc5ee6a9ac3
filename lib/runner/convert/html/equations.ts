/**
 * The numbers of equations and the references to them, over all cells of a page, as MathJax has them with the settings of Jupyter and
 * nbconvert (AMS numbering): https://docs.mathjax.org/en/v2.7-latest/tex.html (automatic equation numbering). KaTeX, which
 * renders, knows tags, but neither labels nor references.
 */
import { TexReader, type TexToken, texTokens } from "./tex-tokens.ts";

interface Numbered {
  /** What stands in the parentheses. */
  readonly tag: string;
  /** The element's id; undefined where an equation has a label and no number. */
  readonly id: string | undefined;
}

/** A reference as it is to be shown. */
export interface Reference {
  /** With its parentheses, in TeX's text mode. */
  readonly text: string;
  /** The id of the equation's number; undefined where it has none. */
  readonly id: string | undefined;
}

/** What each environment is for KaTeX, which numbers nothing by itself in one with a star; and how its rows are numbered. */
const environments: Readonly<Record<string, { readonly as: string; readonly rows: "each" | "all" }>> = {
  equation: { as: "equation*", rows: "all" },
  align: { as: "align*", rows: "each" },
  alignat: { as: "alignat*", rows: "each" },
  gather: { as: "gather*", rows: "each" },
  // KaTeX has none of these: what comes next to them.
  flalign: { as: "align*", rows: "each" },
  eqnarray: { as: "align*", rows: "each" },
  multline: { as: "gather*", rows: "all" },
};

/** True for a formula with an environment that is of lines of its own, wherever the formula stands. */
export function isDisplayed(tex: string): boolean {
  return [...tex.matchAll(/\\begin\s*\{([A-Za-z]+)\*?\}/g)].some(
    ([, name = ""]) => name === "CD" || Object.hasOwn(environments, name),
  );
}

/** What a row, or a formula without rows, says of its number. */
class Row {
  text = "";
  readonly labels: string[] = [];
  tag: { readonly text: string; readonly star: boolean } | undefined;
  unnumbered = false;
}

/** Counts the equations of a page, in the order in which it is rendered. */
export class Equations {
  /** What to say of labels that are missing or there twice. */
  readonly problems = new Set<string>();
  readonly #known: ReadonlyMap<string, Numbered>;
  readonly #own = new Map<string, Numbered>();
  readonly #ids = new Set<string>();
  readonly #early = new Set<string>();
  #count = 0;
  #inText = false;

  /** @param before The count of the same page before: a reference may come before its equation. */
  constructor(before?: Equations) {
    this.#known = before === undefined ? new Map() : before.#own;
  }

  /** True where a reference came before its equation: the page has to be rendered again. */
  get incomplete(): boolean {
    return [...this.#early].some((label) => this.#own.has(label));
  }

  /** True for an id that marks a number, or a link to one: these, and no others, may a formula have. */
  isOwn(id: string): boolean {
    return this.#ids.has(id) || [...this.#known.values()].some((numbered) => numbered.id === id);
  }

  /**
   * The formula with numbers as tags and references as texts, as KaTeX can render it.
   *
   * @param tex The formula as the notebook has it.
   * @param inText Whether it stands in a line of text, between single dollars: an `equation` has no number there, as MathJax has it.
   */
  prepare(tex: string, inText = false): string {
    if (!/\\(?:label|(?:eq)?ref|tag|notag|nonumber|begin)(?![a-zA-Z])/.test(tex)) {
      return tex;
    }
    const row = new Row();
    this.#inText = inText;
    this.#read(texTokens(tex), row);
    return this.#finished(row, false);
  }

  /** What a reference shows. */
  reference(label: string, parentheses: boolean): Reference {
    const found = this.#own.get(label) ?? this.#known.get(label);
    if (found === undefined) {
      this.#early.add(label);
      this.problems.add(`${JSON.stringify(label)}, to which the text refers, is the \\label of no equation`);
    }
    const tag = found?.tag ?? "???";
    return { text: parentheses ? `(${tag})` : tag, id: found?.id };
  }

  /** Reads tokens into a row; with `onRow` each row's end begins another. */
  #read(tokens: readonly TexToken[], first: Row, onRow?: (separator: string) => Row, mergedCells = false): void {
    const reader = new TexReader(tokens);
    let row = first;
    let depth = 0;
    let cells = 0;
    for (let token = reader.next(); token !== undefined; token = reader.next()) {
      switch (token.kind) {
        case "comment":
          row.text += "\n";
          break;
        case "open":
        case "close":
        case "end":
          depth += token.kind === "open" ? 1 : -1;
          row.text += token.text;
          break;
        case "row":
          if (depth === 0 && onRow !== undefined) {
            row = onRow(token.text);
            cells = 0;
          } else {
            row.text += token.text;
          }
          break;
        case "cell":
          cells += depth === 0 ? 1 : 0;
          // The three columns of an eqnarray are the two of an align: its sign goes with what is behind it.
          row.text += mergedCells && depth === 0 && cells === 2 ? "{}" : token.text;
          break;
        case "begin":
          if (depth > 0 || onRow !== undefined || !Object.hasOwn(environments, token.name.replace(/\*$/, ""))) {
            // Its rows are none of the formula's: what they are labelled, the formula is.
            depth++;
            row.text += token.text;
          } else {
            row.text += this.#environment(token, reader);
          }
          break;
        case "command":
          this.#command(token, reader, row);
          break;
        default:
          row.text += token.text;
      }
    }
  }

  #command({ name, text }: TexToken, reader: TexReader, row: Row): void {
    const star = name === "tag" && reader.star();
    const argument = ["label", "ref", "eqref", "tag"].includes(name) ? reader.argument()?.trim() : undefined;
    if (name === "notag" || name === "nonumber") {
      // A tag before it goes, one behind it stays.
      row.tag = undefined;
      row.unnumbered = true;
    } else if (argument === undefined) {
      row.text += text + (star ? "*" : "");
    } else if (name === "label") {
      row.labels.push(argument);
    } else if (name === "tag") {
      row.tag = { text: argument, star };
    } else {
      const { text: shown, id } = this.reference(argument, name === "eqref");
      row.text += id === undefined ? `\\text{${shown}}` : `\\href{#${id}}{\\text{${shown}}}`;
    }
  }

  /** An environment that numbers its rows. */
  #environment(token: TexToken, reader: TexReader): string {
    const inside = reader.environment();
    const name = token.name.replace(/\*$/, "");
    const environment = environments[name] as (typeof environments)[string];
    const numbered = name === token.name && !(name === "equation" && this.#inText);
    const rows = [new Row()];
    const separators: string[] = [];
    this.#read(
      inside,
      rows[0] as Row,
      (separator) => {
        const next = environment.as === "equation*" ? undefined : new Row();
        if (next === undefined) {
          (rows[0] as Row).text += separator;
          return rows[0] as Row;
        }
        rows.push(next);
        separators.push(separator);
        return next;
      },
      name === "eqnarray",
    );
    const trailing = rows.length > 1 && isBlank(rows.at(-1) as Row) ? rows.pop() : undefined;
    if (environment.rows === "all") {
      const last = rows.at(-1) as Row;
      for (const other of rows.slice(0, -1)) {
        last.labels.push(...other.labels.splice(0));
        last.tag ??= other.tag;
        last.unnumbered ||= other.unnumbered;
        other.tag = undefined;
        other.unnumbered = true;
      }
    }
    const texts = rows.map((each) => this.#finished(each, numbered));
    const body = texts.map((text, index) => text + (separators[index] ?? "")).join("");
    return `\\begin{${environment.as}}${body}${trailing?.text ?? ""}\\end{${environment.as}}`;
  }

  /** A row's text with its tag; its labels are known from now on. */
  #finished(row: Row, numbered: boolean): string {
    const { labels } = row;
    if (row.tag === undefined && numbered && !row.unnumbered) {
      row.tag = { text: String(++this.#count), star: false };
    }
    if (row.tag === undefined) {
      for (const label of labels) {
        this.#define(label, { tag: "???", id: undefined });
      }
      return row.text;
    }
    const { text, star } = row.tag;
    const id = labels[0] === undefined ? undefined : this.#freeId(labels[0]);
    for (const label of labels) {
      this.#define(label, { tag: text, id });
    }
    const shown = id === undefined ? text : `\\htmlId{${id}}{${text}}`;
    return `${row.text}\\tag${star ? "*" : ""}{${shown}}`;
  }

  #define(label: string, numbered: Numbered): void {
    if (this.#own.has(label)) {
      this.problems.add(`${JSON.stringify(label)} is the \\label of two equations; references lead to the first`);
    } else {
      this.#own.set(label, numbered);
    }
  }

  /** MathJax's id of an equation, in letters that mean nothing to TeX or HTML. */
  #freeId(label: string): string {
    const plain = `mjx-eqn-${label.replace(/[:"'<>&]/g, "").replace(/[^\w.-]/g, "-")}`;
    let id = plain;
    for (let number = 2; this.#ids.has(id); number++) {
      id = `${plain}-${number}`;
    }
    this.#ids.add(id);
    return id;
  }
}

function isBlank(row: Row): boolean {
  return row.text.trim() === "" && row.tag === undefined && row.labels.length === 0 && !row.unnumbered;
}
