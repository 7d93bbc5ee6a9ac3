import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Cell, Notebook, Output } from "../../notebook/types.ts";
import { type HtmlOptions, toHtml } from "./to-html.ts";

const folder = mkdtempSync(join(tmpdir(), "media-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inner = join(folder, "inner");
mkdirSync(join(inner, "sub"), { recursive: true });
const secret = "the-secret-outside";
for (const [path, content] of [
  ["inner/a.png", "picture a"],
  ["inner/my pic.png", "picture with a space"],
  ["inner/100%.png", "picture with a percent sign"],
  ["inner/sub/b.jpg", "picture b"],
  ["inner/c.svg", "<svg/>"],
  ["inner/film.mp4", "film"],
  ["inner/sound.mp3", "sound"],
  ["inner/notes.txt", secret],
  ["inner/broken.png.txt", secret],
  ["secret.png", secret],
] as const) {
  writeFileSync(join(folder, path), content);
}
mkdirSync(join(inner, "folder.png"));
symlinkSync(join(folder, "secret.png"), join(inner, "link.png"));
symlinkSync(folder, join(inner, "up"));
symlinkSync("a.png", join(inner, "same.png"));
symlinkSync("nowhere.png", join(inner, "dangling.png"));
writeFileSync(join(inner, "huge.png"), "");
truncateSync(join(inner, "huge.png"), 20 * 2 ** 20 + 1);

const base64 = (content: string) => Buffer.from(content).toString("base64");
const markdown = (source: string, more: object = {}): Cell => ({
  cell_type: "markdown",
  metadata: {},
  source,
  ...more,
});
const code = (...outputs: Output[]): Cell => ({
  cell_type: "code",
  metadata: {},
  source: "",
  execution_count: 1,
  outputs,
});
const shown = (data: Record<string, unknown>): Output => ({ output_type: "display_data", data, metadata: {} });

async function page(cells: readonly Cell[], options: HtmlOptions = {}) {
  const notebook: Notebook = { cells: [...cells], metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const warnings: string[] = [];
  const whole = await toHtml(notebook, {
    baseFolder: inner,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  return { whole, body: /<main[^>]*>([\s\S]*)<\/main>/.exec(whole)?.[1] ?? "", warnings };
}

const png = (content: string) => `data:image/png;base64,${base64(content)}`;

test.each([
  ["Markdown's own", "![a](a.png)", png("picture a")],
  ["a raw tag", '<img src="a.png" width="40">', png("picture a")],
  ["a tag in a line of text", "see <img src=a.png> here", png("picture a")],
  ["single quotes, capitals, white space", "<IMG alt='x' SRC=' a.png\n'>", png("picture a")],
  [
    "a tag in a block",
    '<div align="center">\n<img src="./sub/b.jpg"/>\n</div>',
    `image/jpeg;base64,${base64("picture b")}`,
  ],
  ["a tag in a table", "| a |\n|---|\n| <img src='a.png'> |", png("picture a")],
  ["a space", '<img src="my pic.png">', png("picture with a space")],
  ["an escaped space", '<img src="my%20pic.png">', png("picture with a space")],
  ["a percent sign that escapes nothing", '<img src="100%.png">', png("picture with a percent sign")],
  ["a query and a fragment", '<img src="a.png?raw=true#x">', png("picture a")],
  ["backslashes, as on Windows", '<img src="sub\\b.jpg">', `image/jpeg;base64,${base64("picture b")}`],
  ["an entity", '<img src="&#97;.png">', png("picture a")],
  ["a link within the folder", '<img src="same.png">', png("picture a")],
  ["up and down again", '<img src="../inner/a.png">', png("picture a")],
  ["srcset", '<img srcset="a.png 1x, sub/b.jpg 2x" src="c.svg">', `${png("picture a")} 1x, data:image/jpeg;base64,`],
  ["a source of a picture", '<picture><source srcset="a.png"><img src="c.svg"></picture>', png("picture a")],
  ["a film", '<video controls src="film.mp4"></video>', `data:video/mp4;base64,${base64("film")}`],
  ["a film's poster", '<video poster="a.png" src="film.mp4"></video>', png("picture a")],
  ["a sound", '<audio controls><source src="sound.mp3"></audio>', `data:audio/mpeg;base64,${base64("sound")}`],
])("%s is put into the page, cleaned or not", async (_, source, expected) => {
  for (const sanitize of [true, false]) {
    const { body, warnings } = await page([markdown(source)], { sanitize });
    expect(body).toContain(expected);
    expect(warnings).toEqual([]);
  }
});

test("a picture in a drawing is in the drawing", async () => {
  const { body } = await page([markdown('<svg width="9" height="9"><image href="a.png" width="9"/></svg>')]);
  const drawing = /data:image\/svg\+xml;base64,([^"]*)/.exec(body)?.[1] ?? "";
  expect(Buffer.from(drawing, "base64").toString()).toContain(png("picture a"));
});

test("HTML and Markdown of outputs, and raw cells, are as Markdown cells are", async () => {
  const raw: Cell = { cell_type: "raw", metadata: { format: "text/markdown" }, source: '<img src="sub/b.jpg">' };
  const { body } = await page([
    code(shown({ "text/html": '<b>x</b><img src="a.png">' }), shown({ "text/markdown": '<img src="c.svg">' })),
    raw,
  ]);
  expect(body).toContain(png("picture a"));
  expect(body).toContain(`data:image/svg+xml;base64,${base64("<svg/>")}`);
  expect(body).toContain(`data:image/jpeg;base64,${base64("picture b")}`);
});

test("HTML of a raw cell is cleaned in a cleaned page, and as it is in another", async () => {
  const raw: Cell = {
    cell_type: "raw",
    metadata: { raw_mimetype: "text/html" },
    source: '<b onclick="x()">raw</b><script>draw()</script><img src="a.png">',
  };
  const cleaned = (await page([raw])).body;
  expect(cleaned).toContain("<b>raw</b>");
  expect(cleaned).toContain(png("picture a"));
  expect(cleaned).not.toContain("draw()");
  expect((await page([raw], { sanitize: false })).body).toContain('<b onclick="x()">raw</b><script>draw()</script>');
});

test.each([
  ["![m](attachment:m.png)"],
  ['<img src="attachment:m.png">'],
  ['<video poster="attachment:m.png" src="film.mp4"></video>'],
  ['<picture><source srcset="attachment:m.png 1x"><img src="a.png"></picture>'],
])("attachments: %s", async (source) => {
  const attachments = { "m.png": { "text/plain": "no picture", "image/png": "TQ==" } };
  for (const sanitize of [true, false]) {
    expect((await page([markdown(source, { attachments })], { sanitize })).body).toContain(
      "data:image/png;base64,TQ==",
    );
  }
});

test("an attachment whose name has blanks, as Jupyter writes it (https://github.com/jupyter/nbconvert/issues/2247)", async () => {
  const attachments = { "Incorrect Vals.png": { "image/png": "TQ==" } };
  const shownBy = async (source: string) => (await page([markdown(source, { attachments })])).body;
  for (const source of [
    "![Incorrect Vals.png](attachment:Incorrect Vals.png)",
    '![i](attachment:Incorrect Vals.png "title")',
    "![i](<attachment:Incorrect Vals.png>)",
    "![i](attachment:Incorrect%20Vals.png)",
  ]) {
    expect(await shownBy(source)).toContain('src="data:image/png;base64,TQ=="');
  }
  expect(await shownBy("`![i](attachment:Incorrect Vals.png)`")).toContain(
    "![i](attachment:Incorrect Vals.png)</code>",
  );
});

test("attachments with odd names, and none of that name", async () => {
  const attachments = { "100%.png": { "image/png": "TQ==" }, "d.svg": { "image/svg+xml": "<svg/>" } };
  const { body } = await page([
    markdown('<img src="attachment:100%.png"> <img src="attachment:d.svg">', { attachments }),
  ]);
  expect(body).toContain("data:image/png;base64,TQ==");
  expect(body).toContain(`data:image/svg+xml;base64,${base64("<svg/>")}`);
  for (const name of ["gone.png", "constructor", "__proto__"]) {
    const { warnings } = await page([markdown(`<img src="attachment:${name}" alt="A">`, { attachments })]);
    expect(warnings).toEqual([`"attachment:${name}", which the text shows, is not among the cell's attachments`]);
  }
});

const outside = "lies outside of the notebook's folder";
test.each([
  ["../secret.png", outside],
  ["sub/../../secret.png", outside],
  ["..\\secret.png", outside],
  ["..%2Fsecret.png", outside],
  ["%2e%2e/secret.png", outside],
  ["..%5Csecret.png", process.platform === "win32" ? outside : "is not there"],
  ["%252e%252e/secret.png", "is not there"],
  ["link.png", outside],
  ["up/secret.png", outside],
  [`${folder}/secret.png`, outside],
  [`${inner}/a.png`, outside],
  [`%2F${folder.slice(1)}/secret.png`, outside],
  [`file://${folder}/secret.png`, "is no address that a page may show"],
  [`FILE:${folder}/secret.png`, "is no address that a page may show"],
  ["C:\\secret.png", "is no address that a page may show"],
  ["a.png%00.png", outside],
  ["gone.png", "is not there"],
  ["a.png/x.png", "is not there"],
  ["dangling.png", "is not there"],
  ["folder.png", "is not a file"],
  ["notes.txt", "is of no kind that is put into a page"],
  ["huge.png", `has ${20 * 2 ** 20 + 1} bytes; up to ${20 * 2 ** 20} are put into a page`],
])("%s stays out of the page, and a warning says why", async (address, problem) => {
  for (const source of [`<img src="${address}" alt="In words">`, `<video poster="${address}"></video>`]) {
    const { whole, warnings } = await page([markdown(`${source}\n\nand ${source}`)]);
    expect(warnings).toEqual([`${JSON.stringify(address)}, which the text shows, ${problem}`]);
    expect(whole).not.toContain(base64(secret).replace(/=*$/, "").slice(0, -1));
    expect(whole).not.toMatch(/(?:src|srcset|poster)="(?!data:)/);
  }
  const { body } = await page([markdown(`<img src="${address}" alt="In words">`)]);
  expect(body).toMatch(/<span class="not-loaded"[^>]*>In words \(/);
});

test("Markdown's own pictures have the same warnings", async () => {
  const { warnings, body } = await page([markdown("![In words](gone.png) ![o](../secret.png) ![h](huge.png)")]);
  expect(warnings.map((warning) => warning.split(",")[0])).toEqual(['"gone.png"', '"../secret.png"', '"huge.png"']);
  expect(body).toContain('In words (<a href="gone.png">gone.png</a>)');
});

test("a page without a folder reads nothing", async () => {
  const { body, warnings } = await page([markdown('<img src="a.png" alt="A">')], { baseFolder: undefined });
  expect(body).toContain('A (<a href="a.png">a.png</a>)');
  expect(warnings).toEqual([]);
});

test("what is not cleaned keeps every other character", async () => {
  const source =
    "<IMG  Alt=x src='a.png' onclick=f(1)><p><script>var s = '<img src=\"a.png\">';</script><img src=https://x/y.png>";
  const { body, warnings } = await page([code(shown({ "text/html": source }))], { sanitize: false });
  expect(body).toContain(source.replace("src='a.png'", `src="${png("picture a")}"`));
  expect(warnings).toEqual([]);
});

const far = "https://example.org/cat.png";
test.each([
  ["![A cat](https://example.org/cat.png)"],
  ['<img src="https://example.org/cat.png" alt="A cat">'],
  ['<img srcset="https://example.org/cat.png 2x" alt="A cat">'],
  [
    '<picture><source srcset="https://example.org/cat.webp"><img src="https://example.org/cat.png" alt="A cat"></picture>',
  ],
  ['<video src="https://example.org/cat.png" title="A cat"></video>'],
  ['<audio title="A cat"><source src="https://example.org/cat.png"></audio>'],
])("%s is not loaded when the page is opened: its text stands there, with its address", async (source) => {
  const { whole, body } = await page([markdown(source)]);
  expect(body).toContain(`A cat (<a href="${far}">${far}</a>)`);
  expect(whole).not.toMatch(/(?:src|srcset|poster)="(?:https?:)?\/\//);
  expect(whole).toContain("img-src data: blob:; media-src data:;");
  const open = await page([markdown(source)], { remoteImages: true });
  expect(open.body).not.toContain("not-loaded");
  expect(open.body).toMatch(/(?:src|srcset)="https:\/\/example\.org\/cat\.png/);
  expect(open.whole).toContain("img-src data: blob: https: http:; media-src data: https: http:;");
});

test.each([
  ["//example.org/cat.png", "https://example.org/cat.png"],
  ["\\\\example.org\\cat.png", "https://example.org/cat.png"],
  ["http://example.org/cat.png", "http://example.org/cat.png"],
  ["HTTPS://example.org/cat.png", "https://example.org/cat.png"],
  ["ht\ntps://example.org/cat.png", "https://example.org/cat.png"],
])("%j is an address of another place", async (address, link) => {
  const { body, warnings } = await page([code(shown({ "text/html": `<img src="${address}">` }))]);
  expect(body).toMatch(/<span class="not-loaded"[^>]*>Picture \(<a href="/);
  expect(body).toContain(`<a href="${link}">`);
  expect(warnings).toEqual([]);
});

test("a badge in a link stays one link; a film keeps what is here; a drawing loads nothing, and says what", async () => {
  const badge = await page([markdown("[![Binder](https://mybinder.org/badge.svg)](https://mybinder.org/v2)")]);
  expect(badge.body.match(/<a href/g)).toHaveLength(1);
  expect(badge.body).toContain("Binder (https://mybinder.org/badge.svg)</span></a>");
  const film = await page([
    markdown(
      '<video poster="https://example.org/p.png"><source src="https://example.org/f.mp4"><source src="film.mp4"></video>',
    ),
  ]);
  expect(film.body).not.toContain("example.org");
  expect(film.body).toContain(`<source src="data:video/mp4;base64,${base64("film")}">`);
  const picture = await page([
    markdown('<picture><source srcset="a.png"><img src="https://example.org/c.png" alt="A cat"></picture>'),
  ]);
  expect(picture.body).toContain(`<picture><source srcset="${png("picture a")}"><img alt="A cat"></picture>`);
  for (const remoteImages of [false, true]) {
    const drawing = await page([markdown('<svg><g><image xlink:href="https://example.org/i.png"/></g></svg>')], {
      remoteImages,
    });
    expect(drawing.body).toContain('Picture in the drawing (<a href="https://example.org/i.png">');
  }
});

test.each([
  ['<p style="color: red; background: url(https://example.org/x)">x</p>'],
  ["<p style='color: red; background: image-set(\"https://example.org/x\" 1x)'>x</p>"],
  ["<p style='color: red; background: -webkit-image-set(\"https://example.org/x\" 1x)'>x</p>"],
  ["<p style='color: red; background: cross-fade(\"https://example.org/x\", red)'>x</p>"],
  ["<p style='color: red; background: src(\"https://example.org/x\")'>x</p>"],
  ['<p style="color: red; background: u\\72l(https://example.org/x)">x</p>'],
])("no style loads anything: %s", async (html) => {
  expect((await page([markdown(html)])).body).toContain('<p style="color: red">x</p>');
});

test("styles with functions that load nothing stay", async () => {
  const style = "background: linear-gradient(90deg, rgba(1, 2, 3, 0.5), hsl(9 9% 9%)); width: calc((100% - 2px) / 2)";
  expect((await page([markdown(`<p style="${style}">x</p>`)])).body).toContain(`style="${style}"`);
});
