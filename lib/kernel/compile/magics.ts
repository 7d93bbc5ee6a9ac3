/**
 * Magics: lines that begin with `%` or `!` and cells that begin with `%%` become TypeScript on the same line, so that
 * every other position of the cell stays as it is.
 */

import { maskLiterals } from "../types/declarations.ts";
import { MagicError } from "./magic-error.ts";
import { timeitCell, timeitLine, timeLine } from "./timing-magics.ts";

/** How strictly type errors are taken: stop the cell, show them and go on, or do not look. */
export type TypesMode = "error" | "warn" | "off";

export type Shifts = ReadonlyMap<number, number>;

export interface Magics {
  /** TypeScript with as many lines as the cell. */
  readonly code: string;
  /** The cell's wall time is to be shown after it. */
  readonly timed: boolean;
  /** The mode that this cell asks for itself. */
  readonly cellTypes: TypesMode | undefined;
  /** The mode that this cell sets for itself and all later cells. */
  readonly notebookTypes: TypesMode | undefined;
  /** The cell is no TypeScript (%%html and the like): nothing to check. */
  readonly opaque: boolean;
  /** By line, from 1: how many characters further right what the user wrote stands in the code. */
  readonly shifted: Shifts;
  /** The cell loads a module's magics: from here on, whether there is a magic is known when it runs. */
  readonly extends: boolean;
}

/** Name and one-line description of every magic, as `%lsmagic` lists them. */
export const magicHelp: Readonly<Record<string, string>> = {
  "%%time": "run the cell and show how long it took",
  "%%html": "show the cell as HTML",
  "%%markdown": "show the cell as Markdown",
  "%%latex": "show the cell as LaTeX",
  "%%svg": "show the cell as SVG",
  "%%writefile [-a] FILE": "write the cell to FILE (-a appends)",
  "%%bash": "run the cell in bash",
  "%env [NAME[=VALUE]]": "show or set environment variables",
  "%cd [FOLDER]": "change the working folder",
  "%pwd": "show the working folder",
  "%time LINE": "run one line and show how long it took",
  "%timeit [-n LOOPS] [-r RUNS] LINE":
    "run one line over and over, in a function of its own, and show how long it takes",
  "%%timeit [-n LOOPS] [-r RUNS] [LINE]": "the same for the cell; LINE is run before each run and not timed",
  "%types error|warn|off": "type errors stop a cell, are shown as warnings, or are not looked for",
  "%tensorboard --logdir FOLDER": "show the curves of runs, drawn anew while one writes (with the package convbook)",
  "%load_ext tensorboard": "nothing: %tensorboard is there without it",
  "%load_ext MODULE": "load the magics that a module brings (it exports loadExtension)",
  "%lsmagic": "list the magics",
  "!COMMAND": "run a shell command",
  "NAME?": "show the type and the documentation of a name",
};

const cellMagics = new Set(["html", "markdown", "latex", "svg", "writefile", "bash"]);
const lineMagics = new Set(["env", "cd", "pwd", "tensorboard", "load_ext", "reload_ext", "lsmagic"]);
const modes = new Set(["error", "warn", "off"]);
const typesDirective = /^[ \t]*\/\/[ \t]*@convbook-types:[ \t]*(\w+)[ \t]*$/m;

/** A line that loads magics, other than the kernel's own. */
const loadsModule = /^[ \t]*%(?:re)?load_ext[ \t]+(?!tensorboard\b)\S/m;

/** A first line by which a file names the program that runs it. */
const shebang = /^\s*#!/;
/** TypeScript's own comment for a file that is not to be checked: before all code. */
const noCheck = /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/)*?\/\/[ \t]*@ts-nocheck\b/;

/**
 * Translates the magics of a cell.
 *
 * @param source The cell's source; a byte order mark and Windows' ends of lines are as nothing.
 * @param declared Names that earlier cells declared: `!name` is then an expression.
 * @param extended Whether modules may have brought magics of their own.
 * @returns TypeScript of the same number of lines, and what the magics ask for.
 * @throws MagicError on an unknown magic or a wrong argument, and on a shebang line.
 */
export function translateMagics(source: string, declared: ReadonlySet<string> = new Set(), extended = false): Magics {
  const cell = source.replace(/^\uFEFF/, " ").replace(/\r\n?/g, "\n");
  if (shebang.test(cell)) {
    throw new MagicError(
      'A cell cannot begin with a line of "#!": delete it where the cell is TypeScript; for a script of the shell write %%bash in its place',
    );
  }
  const directive = typesDirective.exec(cell)?.[1];
  if (directive !== undefined) {
    checkMode(directive, "// @convbook-types:");
  }
  const plain = {
    timed: false,
    cellTypes: (directive as TypesMode | undefined) ?? (noCheck.test(cell) ? ("off" as const) : undefined),
    notebookTypes: undefined,
    opaque: false,
    shifted: new Map<number, number>(),
    extends: loadsModule.test(cell),
  };
  if (!/^[ \t]*[%!]/m.test(cell)) {
    return { ...plain, code: cell };
  }
  const head = /^(?:[ \t]*\n)*[ \t]*%%(\w+)[ \t]*(.*)(?:\n|$)/.exec(cell);
  if (head !== null) {
    const [all, name = "", args = ""] = head;
    const body = cell.slice(all.length);
    const lines = all.split("\n").length - 1;
    if (name === "time" || name === "timeit") {
      const inner = translateMagics(body, declared, extended);
      const shifted = new Map([...inner.shifted].map(([line, by]) => [line + lines, by]));
      if (name === "time") {
        return { ...inner, code: "\n".repeat(lines) + inner.code, timed: true, shifted };
      }
      const { code, at, skipped } = timeitCell(args, inner.code);
      const before = all.replace(/\n$/, "");
      shifted.set(lines, at - skipped - (before.length - before.lastIndexOf("\n") - 1 - args.length));
      return { ...inner, code: "\n".repeat(lines - 1) + code, shifted };
    }
    if (!cellMagics.has(name)) {
      throw unknown(`%%${name}`);
    }
    const call = `await $convbook.cellMagic(${JSON.stringify(name)}, ${JSON.stringify(args.trim())}, ${JSON.stringify(body)});`;
    return { ...plain, code: call, opaque: true };
  }
  let notebookTypes: TypesMode | undefined;
  const shifted = plain.shifted;
  const code = mapLinesOutsideStrings(cell, (text, ended, index) => {
    // In front of a magic blanks mean nothing; within code they are what a continued expression begins with.
    const line = ended ? text.trimStart() : text;
    const magic = /^%(\w+)[ \t]*(.*)$/.exec(line);
    if (magic !== null) {
      const [, name = "", args = ""] = magic;
      if (name === "time" || name === "timeit") {
        const timed = name === "time" ? timeLine(args) : timeitLine(args);
        shifted.set(index + 1, timed.at - timed.skipped - (text.length - args.length));
        return timed.code;
      }
      if (name === "types") {
        checkMode(args.trim(), "%types");
        notebookTypes = args.trim() as TypesMode;
        return ";";
      }
      if (!lineMagics.has(name) && !extended && !plain.extends) {
        throw unknown(`%${name}`);
      }
      return `await $convbook.lineMagic(${JSON.stringify(name)}, ${JSON.stringify(args.trim())});`;
    }
    if (isShellLine(line, cell, declared)) {
      return `await $convbook.shell(${JSON.stringify(line.slice(1))});`;
    }
    return text;
  });
  return { ...plain, code, notebookTypes };
}

function checkMode(mode: string, where: string): void {
  if (!modes.has(mode)) {
    throw new MagicError(`${where} takes error, warn or off, got ${JSON.stringify(mode)}`);
  }
}

/** What is said of a magic that there is not. */
export function unknown(magic: string, others: readonly string[] = []): MagicError {
  const known = new Set([...Object.keys(magicHelp), ...others].map((usage) => usage.split(" ")[0]));
  return new MagicError(`There is no magic ${magic}; there are ${[...known].join(", ")}`);
}

/** `!name` is a command unless it continues as an expression of a name that the cell or one before it declared. */
function isShellLine(line: string, cell: string, declared: ReadonlySet<string>): boolean {
  const match = /^!\s*([A-Za-z_./~$"'][^\s;(&|.]*)/.exec(line);
  if (match === null) {
    return false;
  }
  const word = match[1] ?? "";
  if (/^(?:await|new|this|typeof|function|async|globalThis)$/.test(word)) {
    return false;
  }
  return !(
    /^[\w$]+$/.test(word) &&
    (declared.has(word) ||
      new RegExp(`\\b(?:const|let|var|function|class)\\s+${word.replace(/\$/g, "\\$&")}\\b`).test(cell))
  );
}

/**
 * Applies `map` to the lines that begin a statement: not inside a template literal or block comment, and not the
 * continuation of an expression.
 */
function mapLinesOutsideStrings(cell: string, map: (line: string, ended: boolean, index: number) => string): string {
  let state: "code" | "template" | "comment" = "code";
  let continues = false;
  // Whether all before is ended by more than the end of its line, and outside of all brackets.
  let ended = true;
  let depth = 0;
  return cell
    .split("\n")
    .map((line, i) => {
      const mapped = state === "code" && !continues ? map(line, ended && depth === 0, i) : line;
      if (mapped === line) {
        state = scan(line, state);
        const code = line.replace(/\/\/.*$/, "").trimEnd();
        if (code !== "") {
          const masked = maskLiterals(code);
          depth += (masked.match(/[{([]/g)?.length ?? 0) - (masked.match(/[})\]]/g)?.length ?? 0);
          ended = /[;}]$/.test(code);
          continues = /[=+\-*/%&|^,([?:<>]$/.test(code) && !/(?:\+\+|--)$/.test(code);
        }
      } else {
        continues = false;
        ended = true;
      }
      return mapped;
    })
    .join("\n");
}

function scan(line: string, from: "code" | "template" | "comment"): "code" | "template" | "comment" {
  let state = from;
  for (let i = 0; i < line.length; i++) {
    const two = line.slice(i, i + 2);
    if (state === "comment") {
      if (two === "*/") {
        state = "code";
        i++;
      }
    } else if (line[i] === "\\") {
      i++;
    } else if (line[i] === "`") {
      state = state === "template" ? "code" : "template";
    } else if (state === "code") {
      if (two === "//") {
        return state;
      }
      if (two === "/*") {
        state = "comment";
        i++;
      } else if (line[i] === '"' || line[i] === "'") {
        const quote = line[i];
        for (i++; i < line.length && line[i] !== quote; i++) {
          if (line[i] === "\\") {
            i++;
          }
        }
      }
    }
  }
  return state;
}

/** `name?` or `?name`, as in IPython, asks for help on a name. */
export function helpQuery(code: string): string | undefined {
  const name = "([\\p{ID_Start}$_][\\p{ID_Continue}$.]*)";
  const match = new RegExp(`^[\\s\uFEFF]*(?:${name}\\?{1,2}|\\?{1,2}\\s*${name})\\s*;?\\s*$`, "u").exec(code);
  return match?.[1] ?? match?.[2];
}
