import { expect, test } from "vitest";
import type { Cell, Notebook } from "../../notebook/types.ts";
import { Equations } from "./equations.ts";
import { texTokens } from "./tex-tokens.ts";
import { toHtml } from "./to-html.ts";

// The numbers themselves are compared with MathJax's in a browser: test/browser/equations.test.ts.

const markdown = (source: string): Cell => ({ cell_type: "markdown", metadata: {}, source });

async function page(...cells: (string | Cell)[]) {
  const notebook: Notebook = {
    cells: cells.map((cell) => (typeof cell === "string" ? markdown(cell) : cell)),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  const warnings: string[] = [];
  const html = await toHtml(notebook, { onWarning: (message) => warnings.push(message) });
  return { body: /<main[^>]*>([\s\S]*)<\/main>/.exec(html)?.[1] ?? "", warnings };
}

const link = (id: string, text: string) => `<a class="equation" href="#mjx-eqn-${id}">${text}</a>`;

test("references before and behind their equations, over cells, are links to the number's element", async () => {
  const { body, warnings } = await page(
    "before: \\eqref{eq:b}",
    "\\begin{align} x &= y \\label{eq:a} \\\\ z &= w \\label{eq:b} \\end{align}",
    "behind: \\eqref{eq:a}, \\ref{eq:b}",
  );
  expect(body).toContain(`before: ${link("eqb", "(2)")}`);
  expect(body).toContain(`behind: ${link("eqa", "(1)")}, ${link("eqb", "2")}`);
  expect(body.match(/id="mjx-eqn-eqa"/g)).toHaveLength(1);
  expect(body.match(/id="mjx-eqn-eqb"/g)).toHaveLength(1);
  expect(body).not.toContain("katex-error");
  expect(warnings).toEqual([]);
});

test("outputs of code count and are referred to, too", async () => {
  const output = { output_type: "display_data" as const, metadata: {}, data: {} };
  const { body } = await page(
    {
      cell_type: "code",
      metadata: {},
      source: "",
      execution_count: 1,
      outputs: [
        { ...output, data: { "text/latex": "\\begin{equation} x \\label{out} \\end{equation}" } },
        { ...output, data: { "text/markdown": "$$ y \\tag{Y} \\label{own} $$" } },
      ],
    },
    "\\begin{equation} z \\label{last} \\end{equation}\n\n\\eqref{out} \\eqref{own} \\eqref{last}",
  );
  expect(body).toContain(`${link("out", "(1)")} ${link("own", "(Y)")} ${link("last", "(2)")}`);
});

test("references in a table, a heading, HTML, a formula and a box; none in code and in tags", async () => {
  const { body } = await page(
    "$$ x \\tag{X} \\label{x} $$",
    "# On \\eqref{x}\n\n| a |\n|---|\n| \\eqref{x} |\n\n<div title='\\eqref{x}'>\\eqref{x} <code>\\ref{x}</code></div>\n\n$y \\eqref{x}$\n\n> [!NOTE]\n> \\ref{x}\n\n`\\eqref{x}`\n\n```\n\\eqref{x}\n```",
  );
  expect(body.match(/<a class="equation" href="#mjx-eqn-x">\(X\)<\/a>/g)).toHaveLength(3);
  expect(body).toContain(`<p>${link("x", "X")}</p>`);
  expect(body).toContain("<code>\\eqref{x}</code>");
  expect(body).toContain("<code>\\ref{x}</code>");
  expect(body).toContain('title="\\eqref{x}"');
  expect(body.match(/<a href="#mjx-eqn-x">/g)).toHaveLength(1);
});

test("a label that is not there, and one that is there twice, are named", async () => {
  const { body, warnings } = await page(
    "\\eqref{gone} \\ref{gone}",
    "\\begin{equation} x \\label{twice} \\end{equation}\n\n\\begin{equation} y \\label{twice} \\end{equation}",
    "\\eqref{twice}",
  );
  expect(body).toContain('<span class="equation">(???)</span> <span class="equation">???</span>');
  expect(body).toContain(link("twice", "(1)"));
  expect(warnings).toEqual([
    '"gone", to which the text refers, is the \\label of no equation',
    '"twice" is the \\label of two equations; references lead to the first',
  ]);
});

test("a formula is copied as the notebook has it", async () => {
  const { body } = await page("\\begin{align} a &= b \\label{a} \\end{align}");
  expect(body).toContain(
    '<annotation encoding="application/x-tex">\\begin{align} a &amp;= b \\label{a} \\end{align}</annotation>',
  );
});

test("commands that a formula defines are there in the cells behind it, and may be defined again", async () => {
  const { body } = await page(
    "$\\newcommand{\\vek}[1]{\\mathbf{#1}} \\def\\half{\\frac{1}{2}} \\DeclareMathOperator{\\argmin}{arg\\,min} \\DeclareMathOperator*\\argmax{argmax}$",
    "$\\vek{v} \\half$ $\\argmin_x$ $$\\argmax_x$$",
    "$\\newcommand{\\vek}[1]{\\mathcal{#1}} \\newcommand\\vec[1]{\\overline{#1}}$",
    "$\\vek{W}$ $\\vec{x}$",
  );
  expect(body).not.toMatch(/katex-error|color:#cc0000/);
  expect(body).toContain('<mi mathvariant="bold">v</mi><mfrac><mn>1</mn><mn>2</mn></mfrac>');
  expect(body).toMatch(/<msub><mrow><mi mathvariant="normal">arg.min<\/mi>/);
  expect(body).toContain('<munder><mrow><mi mathvariant="normal">argmax</mi>');
  expect(body).toContain('<mi mathvariant="script">W</mi>');
  expect(body).toContain('<mover accent="true"><mi>x</mi><mo stretchy="true">‾</mo></mover>');
  // Another page knows nothing of it.
  expect((await page("$\\vek{v}$")).body).toContain("color:#cc0000");
});

test("environments are formulas anywhere in text, and text in code", async () => {
  const { body } = await page(
    "Let \\begin{equation} x \\end{equation} hold *now*.\n\\begin{align}\na &= b \\\\\n\n- c &= d\n\\end{align}\nbehind",
    "> in a quotation\n>\n> \\begin{equation}\n> q\n> \\end{equation}",
    "<div>\\begin{equation} h \\end{equation} <pre>\\begin{equation} pre \\end{equation}</pre></div>",
    "`\\begin{equation} one \\end{equation}` ``\\begin{equation} ` two \\end{equation}``\n\n    \\begin{equation} three \\end{equation}\n\n- ```\n  \\begin{equation} four \\end{equation}\n  ```",
    "$x = \\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}$ \\$ and $\\begin{cases} 1 \\end{cases}$",
    '<img src="x.png" alt="\\begin{equation} alt \\end{equation}">',
  );
  expect(body.match(/class="katex-display"/g)).toHaveLength(4);
  expect(body.match(/class="katex"/g)).toHaveLength(6);
  expect(body).toContain("hold <em>now</em>.");
  expect(body).not.toContain("katex-error");
  for (const word of ["pre", "one", "` two", "three", "four", "alt"]) {
    expect(body.replace(/<[^>]*>/g, "")).toContain(`\\begin{equation} ${word} \\end{equation}`);
  }
});

test.each([
  ["$$x_1$$ is unknown *yet*", ["x_1"], "is unknown yet"],
  ["$$x$$.", ["x"], "."],
  ["$$ x\ny $$ tail\nmore", [" x\ny "], "tail\nmore"],
  ["$$\nx\n$$ tail", ["\nx\n"], "tail"],
  ["$$\nx\n\ny\n$$ tail", ["\nx\n\ny\n"], "tail"],
  ["$$<k'>$$ and $a<b$", ["<k'>", "a<b"], "and"],
  ["> $$x$$ quoted", ["x"], "quoted"],
  ["- $$x$$ listed", ["x"], "listed"],
  ["2. $$x$$ counted", ["x"], "counted"],
  ["$$a$$$$b$$", ["a", "b"], ""],
  ["<div>\n$$a$$ boxed\n</div>", ["a"], "boxed"],
  ["    $$x$$ code", [], "$$x$$ code"],
  ["`$$x$$ code`", [], "$$x$$ code"],
] as const)(
  "text behind a displayed formula is not lost (https://github.com/goessner/mdmath/issues/76): %s",
  async (source, formulas, text) => {
    const { body } = await page(source);
    expect(body).not.toContain("katex-error");
    const found = [...body.matchAll(/encoding="application\/x-tex">([\s\S]*?)<\/annotation>/g)].map(([, tex = ""]) =>
      tex
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace(/&#(?:x27|39);/g, "'"),
    );
    expect(found).toEqual(formulas);
    const words = body.replace(
      /<span class="katex"[\s\S]*?<span class="katex-html"[^>]*>(?:<span[^>]*>[^<]*|<\/span>)*/g,
      "",
    );
    expect(words.replace(/<[^>]*>/g, "").trim()).toContain(text);
  },
);

test("an error in a formula with a tag leaves no tag to the next", async () => {
  const { body } = await page("$$ a \\tag{1} \\frac{ $$", "$$ b $$");
  expect(body.match(/class="tag"/g)).toBeNull();
});

test("what KaTeX has no environment for is shown as what comes next to it", () => {
  const prepared = (tex: string) => new Equations().prepare(tex);
  expect(prepared("\\begin{eqnarray*}a&=&b\\\\c&=&d\\end{eqnarray*}")).toBe(
    "\\begin{align*}a&={}b\\\\c&={}d\\end{align*}",
  );
  expect(prepared("\\begin{flalign}a&=b\\end{flalign}")).toBe("\\begin{align*}a&=b\\tag{1}\\end{align*}");
  expect(prepared("\\begin{multline}a\\\\b\\end{multline}")).toBe("\\begin{gather*}a\\\\b\\tag{1}\\end{gather*}");
  expect(prepared("\\begin{cases}a\\\\b\\end{cases}")).toBe("\\begin{cases}a\\\\b\\end{cases}");
});

test("labels cannot bring HTML or TeX into the page, nor a formula ids and links of its own", async () => {
  const { body } = await page(
    '$$ x \\tag{1} \\label{"><script>alert(1)</script>} $$\n\n\\eqref{"><script>alert(1)</script>}',
    "$$ y \\tag{2} \\label{a}b} $$\n\n$\\htmlId{content}{x}$ $\\href{https://example.org}{x}$ $\\href{#content}{x}$",
  );
  expect(body).not.toMatch(/<script/);
  expect(body).not.toMatch(/id="content"|href="https:\/\/example\.org"|href="#content"/);
  const ids = [...body.matchAll(/\bid="(mjx[^"]*)"/g)].map(([, id]) => id);
  expect(ids).toEqual(["mjx-eqn-scriptalert-1--script"]);
});

test("labels that are one name in HTML have ids of their own", async () => {
  const { body } = await page(
    "$$ x \\tag{1} \\label{a b} $$\n\n$$ y \\tag{2} \\label{a-b} $$\n\n\\eqref{a b} \\eqref{a-b}",
  );
  expect(body).toContain(`${link("a-b", "(1)")} ${link("a-b-2", "(2)")}`);
});

test.each([
  ["an environment that does not end", "\\begin{align} a \\label{a}"],
  ["an end without a beginning", "\\end{align} \\label{a}"],
  ["a label without a name", "x \\label"],
  ["braces that do not close", "x \\tag{1 \\label{a"],
  ["a backslash at the end", "x \\label{a} \\"],
])("%s is no reason to fail", async (_, tex) => {
  const { body } = await page(`$$${tex}$$\n\nbehind`);
  expect(body).toContain("behind");
});

test("nesting without end is no reason to fail", async () => {
  for (const tex of [
    "{".repeat(20_000) + "}".repeat(20_000),
    "\\begin{aligned}".repeat(5000) + "\\end{aligned}".repeat(5000),
    `\\label{a}${"\\begin{align}\\end{align}".repeat(2000)}`,
  ]) {
    expect((await page(`$$${tex}$$\n\nbehind`)).body).toContain("behind");
  }
});

test("tokens together are the text", () => {
  const tex = "\\begin {a b} % \\label{x}\n\\\\[2pt] \\, \\{ é 😀 \\foo@bar* & {x} \\cr \\crazy \\end{a b} \\";
  expect(
    texTokens(tex)
      .map(({ text }) => text)
      .join(""),
  ).toBe(tex);
});
