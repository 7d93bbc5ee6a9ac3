/** Markdown against nbconvert's: what a page shows, element by element. What nbconvert made is in testing/, with its maker. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Nodes } from "hast";
import { fromHtml } from "hast-util-from-html";
import { describe, expect, test } from "vitest";
import type { MimeBundle, Notebook } from "../../notebook/types.ts";
import { toHtml } from "./to-html.ts";

interface Oracle {
  readonly attachments: Readonly<Record<string, MimeBundle>>;
  readonly pages: readonly (readonly [name: string, source: string, html: string])[];
  readonly headings: readonly (readonly [text: string, html: string])[];
}
const oracle = JSON.parse(readFileSync(join(import.meta.dirname, "testing/markdown.json"), "utf8")) as Oracle;

async function body(source: string, options = {}): Promise<string> {
  const notebook: Notebook = {
    cells: [{ cell_type: "markdown", metadata: {}, source, attachments: oracle.attachments }],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  return /<section class="cell markdown">([\s\S]*)<\/section>/.exec(await toHtml(notebook, options))?.[1] ?? "";
}

/** Attributes that change what is shown or where a link leads. */
const telling = ["href", "src", "alt", "title", "type", "checked", "disabled", "start", "open", "align"];

/** HTML as a text of its elements and words; classes, links to headings themselves and white space between elements are left out. */
function shape(html: string): string {
  return shapeOf(fromHtml(html, { fragment: true }))
    .replace(/\s+/g, " ")
    .trim();
}

function shapeOf(node: Nodes): string {
  if (node.type === "text") {
    return node.value;
  }
  if (!("children" in node)) {
    return "";
  }
  const inner = (node.children as Nodes[]).map(shapeOf).join("");
  if (node.type !== "element") {
    return inner;
  }
  const { tagName, properties } = node;
  const classes = String(properties.className ?? "").split(",");
  if (classes.includes("anchor") || classes.includes("anchor-link")) {
    return "";
  }
  // Code is coloured, and wide tables scroll; both is ours.
  if ((tagName === "span" && properties.style !== undefined) || classes.includes("line") || classes.includes("table")) {
    return inner;
  }
  if (tagName === "pre") {
    return `(pre ${inner.replace(/^\(code (.*?)\n?\)$/s, "$1")})`;
  }
  const align = /text-align:\s*(\w+)/.exec(String(properties.style ?? ""))?.[1];
  const shown = { ...properties, ...(align !== undefined && { align }) } as Record<string, unknown>;
  const attributes = telling.flatMap((name) => (shown[name] === undefined ? [] : [` ${name}=${shown[name]}`])).join("");
  const space = /^(p|li|ul|ol|dl|dt|dd|div|t\w+|h\d|blockquote|details|summary|br|hr)$/.test(tagName) ? " " : "";
  return `${space}(${tagName}${attributes} ${space === "" ? inner : inner.trim()})${space}`;
}

describe.each([true, false])("as nbconvert shows it, cleaned: %s", (sanitize) => {
  test.each(oracle.pages)("%s", async (_, source, html) => {
    expect(shape(await body(source, { sanitize }))).toBe(shape(html));
  });
});

test.each([
  ["a pipe in code in a table, as GitHub has it", "| a |\n|---|\n| `x \\| y` |", "(code x | y)"],
  ["two slashes are no address", "a //example.org b", "(p a //example.org b)"],
  ["a marker that could be a reference", "- [x] done\n\n[x]: https://example.org", "checked=true disabled=true )done"],
])("%s", async (_, source, expected) => {
  expect(shape(await body(source))).toContain(expected);
});

test.each([
  '<input type="text" value="v">',
  "<input>",
  '<input type="submit" value="v">',
  '<input type="image" src="attachment:a.png">',
  '<input type="password">',
  '<input type="hidden" name="a">',
  '<input type="file">',
  "<select><option>v</option></select>",
  "<textarea>v</textarea>",
  '<form action="https://example.org"><input name="a"></form>',
])("a cleaned page has nothing to enter something into: %s", async (source) => {
  for (const text of [source, `a ${source} b`, `- ${source}`]) {
    expect(await body(text)).not.toMatch(/<(input|select|option|textarea|form|button)\b/);
  }
});

test("boxes of HTML are shown as they are ticked, and nobody can change them", async () => {
  const html = await body('a <input type="checkbox" checked onclick="alert(1)"> <INPUT TYPE=RADIO name="n"> b');
  expect(shape(html)).toBe(
    "(p a (input type=checkbox checked=true disabled=true ) (input type=radio disabled=true ) b)",
  );
  expect(html).not.toMatch(/name=|onclick/);
});

/** The formulas of a page, as they were written. */
const formulas = (html: string) =>
  [...html.matchAll(/<annotation[^>]*>([\s\S]*?)<\/annotation>/g)].map(([, tex]) => tex);

test.each([
  // https://github.com/jupyter/nbconvert/issues/1848: formulas in the head of a table.
  ["| | $\\mathbf{d}_{12}$ |\n|---|---|\n| a | $|x|$ |", 2, ["\\mathbf{d}_{12}", "|x|"]],
  ["a | $P(A|B)$\n---|---\nb | $$\\{x|y\\}$$", 2, ["P(A|B)", "\\{x|y\\}"]],
  ["> | $|a|$ | b |\n> |:-:|---|\n> | `$\\|$` | $\\|v\\|$ |", 2, ["|a|", "|v|"]],
  ["| costs $5 | and $6 |\n|---|---|\n| \\$a | b$ |", 2, []],
])("formulas in a table keep their strokes: %j", async (source, columns, expected) => {
  const html = await body(source);
  expect(html.match(/<tr>/g)).toHaveLength(2);
  expect(html.match(/<t[hd][ >]/g)).toHaveLength(2 * columns);
  expect(formulas(html)).toEqual(expected);
});

test("strokes in code, in a fence and outside of tables are left alone", async () => {
  const html = await body("| `a \\| b` |\n|---|\n| x |\n\n```\n| $|a|$ |\n|---|\n```\n\n$|y|$ and $P(A|B)$");
  expect(html).toContain("<code>a | b</code>");
  expect(html).toContain("| $|a|$ |");
  expect(formulas(html)).toEqual(["|y|", "P(A|B)"]);
});

test.each([
  // https://github.com/jupyter/nbconvert/issues/831: dollars with nothing between them.
  ["$$$$ and $$ $$ and $", 1],
  ["text $$x^2$$ more", 1],
  ["a\n$$\nx\n$$\nb", 3],
  ["- item $$x$$", 0],
])("a displayed formula stays in its paragraph: %j", async (source, paragraphs) => {
  const html = await body(source);
  expect(html.match(/<p[ >]/g) ?? []).toHaveLength(paragraphs);
  expect(html.match(/<p[^>]*><\/p>/)).toBeNull();
});
