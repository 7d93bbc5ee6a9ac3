import { expect, test } from "vitest";
import type { Notebook } from "../../notebook/types.ts";
import { toHtml } from "./to-html.ts";

async function body(source: string, options = {}): Promise<string> {
  const notebook: Notebook = {
    cells: [{ cell_type: "markdown", metadata: {}, source }],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  return /<main[^>]*>([\s\S]*)<\/main>/.exec(await toHtml(notebook, options))?.[1] ?? "";
}

const box = (kind: string, title: string) =>
  `<div class="markdown-alert markdown-alert-${kind}" role="note"><p class="markdown-alert-title">${title}</p>`;

test.each(["Note", "Tip", "Important", "Warning", "Caution"])(
  "GitHub's box of the kind %s, cleaned or not",
  async (kind) => {
    for (const marker of [kind.toUpperCase(), kind.toLowerCase()]) {
      for (const sanitize of [true, false]) {
        const html = (await body(`> [!${marker}]\n> Some **text**.\n>\n> - more`, { sanitize })).replaceAll(">\n", ">");
        expect(html).toContain(box(kind.toLowerCase(), kind));
        expect(html).toContain("<p>Some <strong>text</strong>.</p><ul><li>more</li></ul></div>");
        expect(html).not.toContain("[!");
        expect(html).not.toContain("blockquote");
      }
    }
  },
);

test("the marker may have white space behind it, or a paragraph of its own; boxes follow one another", async () => {
  const html = (
    await body("> [!NOTE]  \n> one\n\ntext\n\n>[!TIP]\n>\n> ```\n> two\n> ```\n\n> [!WARNING]\nlazy")
  ).replaceAll(">\n", ">");
  expect(html).toContain(`${box("note", "Note")}<p>one</p></div><p>text</p>${box("tip", "Tip")}<pre`);
  expect(html).toContain(`</div>${box("warning", "Warning")}<p>lazy</p></div>`);
});

test.each([
  ["an unknown kind", "> [!DANGER]\n> text"],
  ["nothing but the marker", "> [!NOTE]"],
  ["text behind the marker", "> [!NOTE] text\n> more"],
  ["text before the marker", "> see [!NOTE]\n> more"],
  ["an escaped marker", "> \\[!NOTE]\n> text"],
  ["a marker in code", "> `[!NOTE]`\n> text"],
])("a quotation stays one: %s", async (_, source) => {
  const html = await body(source);
  expect(html).toContain("<blockquote>");
  expect(html).not.toContain("markdown-alert");
});

test("a quotation around a box, and one in it", async () => {
  const html = (await body("> outer\n>\n> > [!NOTE]\n> > inner\n> >\n> > > deep")).replaceAll(">\n", ">");
  expect(html).toContain(
    `<blockquote><p>outer</p>${box("note", "Note")}<p>inner</p><blockquote><p>deep</p></blockquote></div></blockquote>`,
  );
});

test("Bootstrap's boxes keep their classes, with Markdown in them and without", async () => {
  expect(await body('<div class="alert alert-info"><b>Note</b></div>')).toContain(
    '<div class="alert alert-info"><b>Note</b></div>',
  );
  const html = await body('<div class="alert alert-block alert-warning">\n\n**Mind** $x$\n\n- one\n\n</div>\n\nbehind');
  expect(html.replaceAll(">\n", ">")).toMatch(
    /<div class="alert alert-block alert-warning"><p><strong>Mind<\/strong> <span class="katex">.*<\/span><\/p><ul><li>one<\/li><\/ul><\/div><p>behind<\/p>/s,
  );
});
