import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Nodes } from "hast";
import { fromHtml } from "hast-util-from-html";
import { afterAll, expect, test } from "vitest";
import type { Cell, Notebook, Output } from "../../notebook/types.ts";
import { ansiToHtml, overwrite } from "./ansi.ts";
import { sanitizeHtml } from "./sanitize.ts";
import { toHtml } from "./to-html.ts";
import { toSlides } from "./to-slides.ts";

const folder = mkdtempSync(join(tmpdir(), "html-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const markdown = (source: string, more: object = {}): Cell => ({
  cell_type: "markdown",
  metadata: {},
  source,
  ...more,
});
const code = (source: string, outputs: Output[] = [], metadata = {}): Cell => ({
  cell_type: "code",
  metadata,
  source,
  execution_count: 1,
  outputs,
});
const display = (data: Record<string, unknown>, metadata = {}): Output => ({
  output_type: "display_data",
  data,
  metadata,
});
const notebook = (...cells: Cell[]): Notebook => ({
  cells,
  metadata: { language_info: { name: "typescript" } },
  nbformat: 4,
  nbformat_minor: 5,
});
const body = async (...cells: Cell[]) =>
  /<main[^>]*>([\s\S]*)<\/main>/.exec(await toHtml(notebook(...cells)))?.[1] ?? "";

test.each([
  ["<script>alert(1)</script>", ""],
  ["<img src=x onerror=alert(1)>", '<img src="x">'],
  ["<a href='javascript:alert(1)'>x</a>", "<a>x</a>"],
  [
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    /^<img src="data:image\/svg\+xml;base64,[^"]*" alt="Drawing">$/,
  ],
  [
    "<iframe src='https://example.org/'></iframe>",
    '<a href="https://example.org/">Embedded page: https://example.org/</a>',
  ],
  ["<iframe src='javascript:alert(1)'></iframe>", /^<a>/],
  ["<div style='position:fixed;color:red;background:url(https://x/)'>x</div>", '<div style="color:red">x</div>'],
  ["<style>body{display:none}</style><b>x</b>", "<b>x</b>"],
  ["<form action=https://x><input name=password></form>", ""],
  // https://github.com/ipython-contrib/jupyter_contrib_nbextensions/issues/1136: a table of contents as a cell.
  [
    '<div class="toc own"><a class="skip anchor" href="#a">A</a></div><p class="page">b</p>',
    '<div class="own"><a class="" href="#a">A</a></div><p class="">b</p>',
  ],
  ["<input type=CHECKBOX onclick=alert(1)>", '<input type="checkbox" disabled>'],
  ["<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", /^((?!onerror).)*$/],
  ["<object data=x></object><embed src=x><base href=https://x><meta http-equiv=refresh content=0>", ""],
  [
    "<table class='dataframe' border='1'><tr><td colspan='2' style='text-align: right'>1</td></tr></table>",
    /<td colspan="2" style="text-align: right">1<\/td>/,
  ],
])("cleans %s", (html, expected) => {
  const clean = sanitizeHtml(html);
  if (typeof expected === "string") {
    expect(clean).toBe(expected);
  } else {
    expect(clean).toMatch(expected);
  }
});

test("shows terminal text as a terminal would", () => {
  expect(overwrite("10 %\r 50 %\r100 %\nab\u0008c\nlong text\rshort")).toBe("100 %\nac\nshorttext");
  // What stands between a link's two commands is text; titles are none.
  const link = (text: string, end: string) => `\u001b]8;;https://x.y${end}${text}\u001b]8;;${end}`;
  const titled = `A${link("link", "\u0007")}B ${link("link2", "\u001b\\")}C \u001b]0;title\u0007D`;
  expect(ansiToHtml(titled)).toBe("AlinkB link2C D");
  expect(ansiToHtml("\u001b[31mred\u001b[0m <b>")).toBe('<span class="ansi-red-fg">red</span> &lt;b&gt;');
});

test("renders formulas, tables, code fences and HTML of Markdown, cleaned", async () => {
  const html = await body(
    markdown(
      "# Title\n\n$x^2$ and \\\\(y\\\\) <script>alert(1)</script>\n\n$$\\frac{a}{b}$$\n\n| a |\n|---|\n| 1 |\n\n```typescript\nconst x = 1;\n```\n\n`$not math$`",
    ),
  );
  expect(html.match(/class="katex"/g)).toHaveLength(3);
  expect(html).toContain('class="katex-display"');
  expect(html).toContain('<div class="table"><table>');
  expect(html).toMatch(/<pre class="shiki[^>]*>.*--shiki-light/s);
  expect(html).toContain("<code>$not math$</code>");
  expect(html).not.toContain("alert(1)");
});

test("a page that pretends to hold our own HTML does not get it", async () => {
  const html = await body(markdown('<span class="t0000000000000000-0"></span> $x$'));
  expect(html.match(/class="katex"/g)).toHaveLength(1);
});

test("headings have ids of their own and are listed in the table of contents", async () => {
  const page = await toHtml(
    notebook(markdown("# Title"), markdown("## One & two\n\n## Same\n\n## Same"), markdown("### Inner")),
  );
  const toc = /<nav class="toc"[\s\S]*?<\/nav>/.exec(page)?.[0] ?? "";
  expect([...toc.matchAll(/href="#([^"]*)">([^<]*)</g)].map(([, id, text]) => [id, text])).toEqual([
    ["One-&amp;-two", "One &amp; two"],
    ["Same", "Same"],
    ["Same-1", "Same"],
    ["Inner", "Inner"],
  ]);
  expect(page).toContain("<title>Title</title>");
});

test("of a bundle the richest kind is shown, pictures with words for who cannot see them", async () => {
  expect(await body(code("x", [display({ "text/html": "<i>h</i>", "text/plain": "p" })]))).toContain("<i>h</i>");
  expect(await body(code("x", [display({ "text/html": "<script>draw()</script>", "text/plain": "p" })]))).toMatch(
    /<pre class="plain"[^>]*>p<\/pre>/,
  );
  const picture = await body(
    code("x", [display({ "image/png": "AAAA", "text/plain": "A grid of images" }, { "image/png": { width: 40 } })]),
  );
  expect(picture).toContain('src="data:image/png;base64,AAAA" alt="A grid of images" width="40"');
  expect(await body(code("x", [display({ "image/png": "AAAA", "text/plain": "<Figure size 1x1>" })]))).toContain(
    'alt="Figure made by this cell"',
  );
  expect(await body(code("x", [display({ "image/svg+xml": "<svg onload='alert(1)'/>" })]))).toContain(
    'src="data:image/svg+xml;base64,',
  );
  expect(await body(code("x", [display({ "application/x-unknown": "?" })]))).toContain(
    "cannot be shown here (application/x-unknown)",
  );
});

test("figures carry their spec and their picture, and the page the scripts that they need", async () => {
  const vega = display({
    "application/vnd.vegalite.v5+json": { title: "Losses </script>", mark: "line" },
    "image/svg+xml": "<svg/>",
  });
  const page = await toHtml(notebook(code("x", [vega])));
  expect(page).toContain('data-figure="vega-lite" aria-label="Losses"');
  expect(page).toContain('"title":"Losses \\u003c/script>"');
  expect(page).toContain("vegaEmbed=");
  expect(page).not.toContain("newPlot=");
  const cdn = await toHtml(notebook(code("x", [vega])), { scripts: "cdn" });
  expect(cdn).toMatch(/<script src="https:\/\/cdn\.jsdelivr\.net\/npm\/vega@6[^"]*\/build\/vega\.min\.js">/);
  expect(cdn.length).toBeLessThan(60_000);
  const none = await toHtml(notebook(code("x", [vega])), { scripts: "none" });
  expect(none).not.toContain('data-figure="vega');
  expect(none).toContain('alt="Losses"');
});

test("an output without anything in it shows nothing", async () => {
  const html = await body(code("x", [display({}), display({ "text/plain": "shown" })]));
  expect(html).toContain("shown");
  expect(html).not.toContain("cannot be shown");
});

test.each([
  ["its name, where it has nothing else", markdown("text"), {}, "my notebook"],
  ["its first heading that says something", markdown("# ![x](y.png)\n\n# A & B"), {}, "A &amp; B"],
  ["its metadata's title", markdown("# A"), { title: "Own" }, "Own"],
])("a page is called by %s", async (_, cell, metadata, title) => {
  const own = { ...notebook(cell), metadata };
  for (const convert of [toHtml, toSlides]) {
    expect(await convert(own, { name: "my notebook" })).toContain(`<title>${title}</title>`);
    expect(await convert(own, { name: "my notebook", title: "Given" })).toContain("<title>Given</title>");
  }
});

test("tags leave out or hide what a reader does not need", async () => {
  expect(await body(code("secret", [], { tags: ["remove-cell"] }))).not.toContain("secret");
  expect(
    await body(code("secret", [{ output_type: "stream", name: "stdout", text: "shown" }], { tags: ["remove-input"] })),
  ).toMatch(/^(?![\s\S]*secret)[\s\S]*shown/);
  expect(
    await body(code("shown", [{ output_type: "stream", name: "stdout", text: "secret" }], { tags: ["remove-output"] })),
  ).not.toContain("secret");
  expect(await body(code("later", [], { jupyter: { source_hidden: true } }))).toContain(
    "<summary>Show the code</summary>",
  );
});

test("pictures of the notebook's folder and attachments are put into the page, others not", async () => {
  const inner = join(folder, "inner");
  mkdirSync(inner);
  writeFileSync(join(inner, "a.png"), "picture");
  writeFileSync(join(folder, "outside.png"), "outside");
  symlinkSync(join(folder, "outside.png"), join(inner, "link.png"));
  const text = "![a](a.png) ![o](../outside.png) ![l](link.png) ![m](attachment:m.png)";
  const page = await toHtml(notebook(markdown(text, { attachments: { "m.png": { "image/png": "TQ==" } } })), {
    baseFolder: inner,
  });
  expect(page).toContain(`src="data:image/png;base64,${Buffer.from("picture").toString("base64")}"`);
  expect(page).toContain('src="data:image/png;base64,TQ=="');
  expect(page).not.toContain(Buffer.from("outside").toString("base64"));
  expect(page).toContain('o (<a href="../outside.png">../outside.png</a>)');
  expect(page).toContain('l (<a href="link.png">link.png</a>)');
});

test("only the page's own scripts may run", async () => {
  const page = await toHtml(notebook(markdown("x")));
  expect(page).toMatch(/Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^']+';/);
  expect(page).not.toContain("unsafe-eval");
});

test("cells become slides as their metadata says", async () => {
  const slide = (source: string, slide_type: string) => ({
    ...markdown(source),
    metadata: { slideshow: { slide_type } },
  });
  const page = await toSlides(
    notebook(
      slide("# A", "slide"),
      slide("under", "subslide"),
      slide("gone", "skip"),
      slide("later", "fragment"),
      slide("# B", "slide"),
      slide("say this", "notes"),
    ),
  );
  const slides = /<div class="slides">([\s\S]*?)<\/main>/.exec(page)?.[1] ?? "";
  expect(slides.match(/<section>/g)).toHaveLength(4);
  expect(slides).not.toContain("gone");
  expect(slides).toMatch(/<div class="fragment">[\s\S]*later/);
  expect(slides).toMatch(/<aside class="notes">[\s\S]*say this/);
});

test.each([
  // https://github.com/jupyter/nbconvert/issues/35: what follows a fragment is shown with it; nbconvert's own nesting.
  ["slide fragment - slide", "<0f<1 2>><3>"],
  ["slide skip -", "<0 2>"],
  ["- - slide", "<0 1><2>"],
  ["slide fragment fragment - subslide -", "<<0f<1>f<2 3>><4 5>>"],
  ["slide fragment notes -", "<0f<1 n<2> 3>>"],
  ["skip slide", "<1>"],
])("cells of the kinds %s are slides as nbconvert has them", async (kinds, expected) => {
  const cells = kinds.split(" ").map((slide_type, index) => ({
    ...markdown(`cell${index}`),
    metadata: slide_type === "-" ? {} : { slideshow: { slide_type } },
  }));
  const page = /<div class="slides">([\s\S]*?)<\/main>/.exec(await toSlides(notebook(...cells)))?.[1] ?? "";
  const shape = (node: Nodes): string => {
    if (node.type === "text") {
      return /\d/.exec(node.value)?.[0] ?? "";
    }
    const inner =
      "children" in node
        ? (node.children as Nodes[])
            .map(shape)
            .filter((part) => part !== "")
            .join(" ")
        : "";
    const kind = node.type === "element" ? `${node.tagName} ${node.properties.className ?? ""}` : "";
    return kind === "section "
      ? `<${inner}>`
      : kind === "div fragment"
        ? `f<${inner}>`
        : kind === "aside notes"
          ? `n<${inner}>`
          : inner;
  };
  expect(
    shape(fromHtml(page, { fragment: true }))
      .replaceAll("> <", "><")
      .replaceAll(" f", "f"),
  ).toBe(expected);
});

// https://github.com/jupyter-book/jupyter-book/issues/750, https://github.com/jupyter/notebook/issues/4244
test.each([
  ["\\\\$1 or \\\\$100, not more", "$1 or $100, not more"],
  ["\\$5 and \\$6", "$5 and $6"],
  ["\\\\$x$ y", "$x$ y"],
  ["`a \\\\$`", "a \\\\$"],
])("a dollar behind backslashes is a dollar: %s", async (source, shown) => {
  const text = (await body(markdown(source))).replace(/<[^>]*>/g, "");
  expect(text).toContain(shown);
  expect(text).not.toContain(`\\${shown}`);
});

test("a line break at the end of a formula stays one", async () => {
  for (const source of ["$$\n\\begin{matrix}a\\\\b\\end{matrix}\\\\$$", "x $a \\\\$ y"]) {
    expect(await body(markdown(source))).toContain("katex");
  }
});
