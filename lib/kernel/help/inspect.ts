/** What a front-end shows for the name under the cursor, or for the call that the cursor is in. */
import type { Json } from "../protocol/message.ts";
import type { LspPosition } from "../types/diagnostics.ts";
import type { CellText } from "../types/scope.ts";
import type { TypeSession } from "../types/session.ts";
import { type DescribedCell, placeIn } from "./describe.ts";
import { toPosition, toUtf16 } from "./offsets.ts";

interface Signature {
  readonly label: string;
  readonly documentation?: string | { readonly value: string };
  readonly parameters?: readonly {
    readonly label: string | [number, number];
    readonly documentation?: string | { value: string };
  }[];
}

interface SignatureHelp {
  readonly signatures: readonly Signature[];
  readonly activeSignature?: number;
  readonly activeParameter?: number;
}

/**
 * Looks a position up.
 *
 * @param detail 0: type and documentation; 1: also where it is declared.
 */
export async function inspectAt(
  code: string,
  cursor: number,
  detail: number,
  cell: DescribedCell,
  types: TypeSession | undefined,
): Promise<Json> {
  const offset = toUtf16(code, cursor);
  const place = (at: number) => placeIn(cell, toPosition(code, at));
  const before = code.slice(0, offset);
  const inCall = /[(,]\s*$/.test(before) && !/^[\p{ID_Continue}$]/u.test(code.slice(offset));
  const signature = () => signatureAt(place(offset), cell, types);
  let markdown = inCall ? await signature() : undefined;
  if (markdown === undefined) {
    for (const at of [offset, offset - 1]) {
      if (at >= 0 && /[\p{ID_Continue}$"'`]/u.test(code[at] ?? "")) {
        markdown = await hoverAt(place(at), cell, types);
        if (markdown !== undefined) {
          if (detail > 0) {
            markdown += await declarationOf(place(at), cell, types);
          }
          break;
        }
      }
    }
  }
  markdown ??= inCall ? undefined : await signature();
  if (markdown === undefined) {
    return { status: "ok", found: false, data: {}, metadata: {} };
  }
  // Between the fences is code, where an asterisk or an underscore is itself.
  const plain = markdown
    .split(/^```\w*\n?/m)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/\*\*|__|`/g, "")))
    .join("")
    .trim();
  return { status: "ok", found: true, data: { "text/plain": plain, "text/markdown": markdown }, metadata: {} };
}

async function hoverAt(at: LspPosition, cell: CellText, types: TypeSession | undefined): Promise<string | undefined> {
  const hover = (await types?.ask("textDocument/hover", cell, at)) as
    | { contents?: string | { value: string } | (string | { value: string; language?: string })[] }
    | null
    | undefined;
  const contents = hover?.contents;
  if (contents === undefined) {
    return undefined;
  }
  const parts = (Array.isArray(contents) ? contents : [contents]).map((part) =>
    typeof part === "string" ? part : part.value,
  );
  // What an earlier cell declared is an import to the checker, and none to the user.
  const text = parts
    .join("\n\n")
    .trim()
    .replace(/^(```\w*\n)\(alias\) /, "$1");
  // Of a name that does not exist the server says only that it is any.
  return text === "" || /^```\w*\s*any\s*```$/.test(text) ? undefined : text;
}

async function signatureAt(
  at: LspPosition,
  cell: CellText,
  types: TypeSession | undefined,
): Promise<string | undefined> {
  const help = (await types?.ask("textDocument/signatureHelp", cell, at)) as SignatureHelp | null | undefined;
  if (!help || help.signatures.length === 0) {
    return undefined;
  }
  const active = help.activeSignature ?? 0;
  const order = [help.signatures[active], ...help.signatures.filter((_, i) => i !== active)].slice(0, 4);
  const blocks = order
    .filter((signature) => signature !== undefined)
    .map((signature) => `\`\`\`typescript\n${signature.label}\n\`\`\``);
  const parameter = help.signatures[active]?.parameters?.[help.activeParameter ?? 0];
  const notes: string[] = [];
  if (parameter !== undefined) {
    const label = Array.isArray(parameter.label)
      ? (help.signatures[active]?.label.slice(...parameter.label) ?? "")
      : parameter.label;
    notes.push(`**${label}** ${text(parameter.documentation)}`.trim());
  }
  notes.push(text(help.signatures[active]?.documentation));
  return [...blocks, ...notes.filter((note) => note !== "")].join("\n\n");
}

function text(documentation: string | { readonly value: string } | undefined): string {
  return typeof documentation === "string" ? documentation : (documentation?.value ?? "");
}

/** A place, or a link to one. */
interface Definition {
  readonly uri?: string;
  readonly targetUri?: string;
  readonly range?: { readonly start: LspPosition };
  readonly targetRange?: { readonly start: LspPosition };
}

async function declarationOf(at: LspPosition, cell: CellText, types: TypeSession | undefined): Promise<string> {
  const answer = (await types?.ask("textDocument/definition", cell, at)) as
    | Definition
    | Definition[]
    | null
    | undefined;
  const first = Array.isArray(answer) ? answer[0] : answer;
  const uri = first?.targetUri ?? first?.uri;
  const range = first?.targetRange ?? first?.range;
  if (!uri || !range) {
    return "";
  }
  const { line } = range.start;
  const inCell = types?.lineInCell(uri, line) ?? (/\/\.convbook-cell/.test(uri) ? line : undefined);
  return inCell === undefined
    ? `\n\nDeclared in ${decodeURIComponent(uri.replace(/^file:\/\//, ""))}, line ${line + 1}`
    : `\n\nDeclared in a cell of this notebook, line ${inCell}`;
}
