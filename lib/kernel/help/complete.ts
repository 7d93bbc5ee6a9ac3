/** Completions: members, imports, options of string literals, and the magics. */
import { magicHelp } from "../compile/magics.ts";
import type { Json } from "../protocol/message.ts";
import type { LspPosition } from "../types/diagnostics.ts";
import type { CellText } from "../types/scope.ts";
import type { TypeSession } from "../types/session.ts";
import { type DescribedCell, placeIn } from "./describe.ts";
import { anyName, memberAt } from "./member.ts";
import { fromPosition, toCodePoints, toPosition, toUtf16 } from "./offsets.ts";
import { partFor } from "./part.ts";

interface CompletionItem {
  readonly label: string;
  readonly kind?: number;
  readonly insertText?: string;
  readonly sortText?: string;
  readonly filterText?: string;
  readonly detail?: string;
  readonly additionalTextEdits?: unknown[];
  readonly data?: { readonly autoImport?: unknown };
  readonly textEdit?: {
    readonly newText: string;
    readonly range: { readonly start: LspPosition; readonly end: LspPosition };
  };
}

/** Names of LSP's completion kinds, as front-ends show them. */
const kinds: readonly string[] =
  "text text method function constructor field variable class interface module property unit value enum keyword snippet color file reference folder enum constant class event operator type".split(
    " ",
  );

/** The most completions that a reply carries; a front-end asks again when more is typed. */
const most = 500;

/**
 * Answers a complete_request.
 *
 * @param code The cell as the user has it.
 * @param cursor Where the cursor is, in code points.
 * @param describe Reads a cell.
 * @param types The checker; without one there are completions of magics only.
 */
export async function complete(
  code: string,
  cursor: number,
  describe: (code: string) => Promise<DescribedCell>,
  types: TypeSession | undefined,
): Promise<Json> {
  const offset = toUtf16(code, cursor);
  const magic = completeMagic(code, offset);
  if (magic !== undefined) {
    return reply(
      code,
      offset - magic.typed.length,
      offset,
      magic.names.map((name) => ({ text: name, type: "magic" })),
    );
  }
  const asked = await question(code, offset, describe);
  const list = (await types?.ask("textDocument/completion", asked.cell, asked.position, {
    context: { triggerKind: 1 },
    everyName: !asked.member,
  })) as
    | CompletionItem[]
    | { items?: CompletionItem[]; itemDefaults?: { editRange?: { start: LspPosition; end: LspPosition } } }
    | null
    | undefined;
  const items = (Array.isArray(list) ? list : list?.items) ?? [];
  const word = /[\p{ID_Continue}$]*$/u.exec(code.slice(0, offset))?.[0] ?? "";
  const defaultRange = Array.isArray(list) ? undefined : list?.itemDefaults?.editRange;
  // Inside a string literal every item says what it replaces; elsewhere that is the word, and an item that replaces the
  // dot before it (such as `[Symbol.iterator]`) does not fit a list that shares one start.
  const own = items.map((item) => item.textEdit?.range ?? defaultRange);
  const shared =
    !asked.member && own[0] !== undefined && own.every((range) => range !== undefined) ? own[0] : undefined;
  const at = (position: LspPosition) => fromPosition(code, { line: position.line - 1, character: position.character });
  const start = shared === undefined ? offset - word.length : at(shared.start);
  const end = shared === undefined ? offset : Math.max(offset, at(shared.end));
  const typed = code.slice(start, offset);
  const found = items
    .filter((item, i) => {
      const range = own[i];
      return (
        item.data?.autoImport === undefined &&
        item.additionalTextEdits === undefined &&
        (range === undefined || (asked.member ? begins(range, asked.position) : at(range.start) === start))
      );
    })
    .map((item) => ({
      text: item.textEdit?.newText ?? item.insertText ?? item.label.replace(/\?$/, ""),
      type: kinds[item.kind ?? 0] ?? "text",
      sort: item.sortText ?? item.label,
    }))
    .filter(({ text }) => text.toLowerCase().startsWith(typed.toLowerCase()) && !/^[.$]convbook/.test(text));
  // Where something begins exactly as typed, what differs in case is not meant.
  const exact = found.filter(({ text }) => text.startsWith(typed));
  const matches = exact.length > 0 ? exact : found;
  matches.sort((a, b) => compare(a.sort, b.sort) || compare(a.text, b.text));
  return reply(code, start, end, matches);
}

/** Whether a range of the server's begins at a position that it was asked about; it counts the line that is put before a cell. */
function begins(range: { readonly start: LspPosition }, { line, character }: LspPosition): boolean {
  return range.start.line === line + 1 && range.start.character === character;
}

/** What the checker is asked about: of a member that is typed, the part of the cell that it depends on; else the cell. */
async function question(
  code: string,
  offset: number,
  describe: (code: string) => Promise<DescribedCell>,
): Promise<{ cell: CellText; position: LspPosition; member: boolean }> {
  const typed = memberAt(code, offset);
  if (typed !== undefined) {
    const cell = await describe(typed.source);
    const { source, program } = cell;
    const position = placeIn(cell, toPosition(typed.source, typed.offset));
    const at = fromPosition(source, position);
    // In the line of a magic it may be elsewhere.
    if (source.slice(at - 1, at + anyName.length) === `.${anyName}`) {
      const part = program && partFor(program, { source, offset: at });
      return part === undefined
        ? { cell, position, member: true }
        : {
            cell: { ...cell, source: part.source, names: { variables: [], values: part.names, types: [] } },
            position: toPosition(part.source, part.offset),
            member: true,
          };
    }
  }
  const cell = await describe(code);
  return { cell, position: placeIn(cell, toPosition(code, offset)), member: false };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function reply(code: string, start: number, end: number, found: readonly { text: string; type: string }[]): Json {
  const from = toCodePoints(code, start);
  const to = toCodePoints(code, end);
  const unique = [...new Map(found.map((item) => [item.text, item])).values()].slice(0, most);
  return {
    status: "ok",
    matches: unique.map(({ text }) => text),
    cursor_start: from,
    cursor_end: to,
    metadata: { _jupyter_types_experimental: unique.map(({ text, type }) => ({ text, type, start: from, end: to })) },
  };
}

function completeMagic(code: string, offset: number): { typed: string; names: string[] } | undefined {
  const line = code.slice(code.lastIndexOf("\n", offset - 1) + 1, offset);
  if (!/^%{1,2}\w*$/.test(line)) {
    return undefined;
  }
  const names = Object.keys(magicHelp).map((usage) => usage.replace(/ .*/, ""));
  return { typed: line, names: names.filter((name) => name.startsWith(line)) };
}
