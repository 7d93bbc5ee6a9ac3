import { expect, test } from "vitest";
import type { Cell, Notebook } from "../notebook/types.ts";
import { toMarkdown } from "./markdown.ts";
import { toScript } from "./script.ts";

const notebook = (...cells: Cell[]): Notebook => ({
  cells,
  metadata: { language_info: { name: "python", file_extension: ".py" } },
  nbformat: 4,
  nbformat_minor: 5,
});
const code = (source: string, outputs: object[] = [], metadata = {}): Cell => ({
  cell_type: "code",
  metadata,
  source,
  execution_count: 2,
  outputs: outputs as never,
});
const text: Cell = { cell_type: "markdown", metadata: {}, source: ["# Title\n", "\n", "Text"] };
const picture = {
  output_type: "display_data",
  metadata: {},
  data: { "image/png": "TQ==", "text/plain": ["A [grid]"] },
};

test("Markdown has the text, the code in fences, and the outputs", () => {
  const stream = { output_type: "stream", name: "stdout", text: ["\u001b[31mred\u001b[0m\n", "10 %\r99 %\n"] };
  const { text: result, files } = toMarkdown(
    notebook(text, code("x = '```'", [stream, picture]), code("hidden", [], { tags: ["remove-cell"] })),
  );
  expect(result).toBe(
    "# Title\n\nText\n\n````python\nx = '```'\n````\n\n    red\n    99 %\n\n![A grid](data:image/png;base64,TQ==)\n",
  );
  expect(files).toEqual([]);
});

test("pictures have the words and the size that their metadata tell", () => {
  const metadata = { "image/png": { alt: 'Loss "a" < b [1]', width: 301, height: 812 } };
  const words = { "image/png": { alt: "Two [grids]\nof four" } };
  const { text: result } = toMarkdown(
    notebook(
      code("1", [
        { ...picture, metadata },
        { ...picture, metadata: words },
      ]),
    ),
    {
      filesFolder: "my files",
    },
  );
  expect(result.split("\n").slice(-4)).toEqual([
    '<img src="my%20files/output_0_0.png" alt="Loss &quot;a&quot; &lt; b [1]" width="301" height="812">',
    "",
    "![Two grids of four](my%20files/output_0_1.png)",
    "",
  ]);
});

test("pictures and attachments go beside the Markdown where that is wanted", () => {
  const attached: Cell = {
    cell_type: "markdown",
    metadata: {},
    source: "![a](attachment:a%20b.png)",
    attachments: { "a b.png": { "image/png": "TQ==" } },
  };
  const { text: result, files } = toMarkdown(notebook(attached, code("1", [picture])), { filesFolder: "my files" });
  expect(files.map(({ path, data }) => [path, data.toString()])).toEqual([
    ["my files/attachment_0_a_20b.png", "M"],
    ["my files/output_1_0.png", "M"],
  ]);
  expect(result).toContain("![a](my%20files/attachment_0_a_20b.png)");
  expect(result).toContain("![A grid](my%20files/output_1_0.png)");
});

test("attachments in tags of HTML, and with odd names", () => {
  const attached: Cell = {
    cell_type: "markdown",
    metadata: {},
    source: `<img alt="a" src="attachment:a.png"> ![b](attachment:100%.png) \`attachment:a.png\``,
    attachments: { "a.png": { "image/png": "TQ==" }, "100%.png": { "image/png": "TQ==" } },
  };
  expect(toMarkdown(notebook(attached)).text).toBe(
    `<img alt="a" src="data:image/png;base64,TQ=="> ![b](data:image/png;base64,TQ==) \`attachment:a.png\`\n`,
  );
});

test("a script has the code, with the text and the magics as comments", () => {
  const { text: result, extension } = toScript(
    notebook(text, code("%matplotlib inline\nx = 1"), code("%%bash\nls"), code("")),
  );
  expect(extension).toBe(".py");
  expect(result).toBe("# # Title\n#\n# Text\n\n# In[2]:\n# %matplotlib inline\nx = 1\n\n# In[2]:\n# %%bash\n# ls\n");
});

test.each([
  // https://github.com/jupyter/nbconvert/issues/503: the rest of the notebook needs what such cells and lines declare.
  ["%%time\nx = 1\n%matplotlib inline", "# %%time\nx = 1\n# %matplotlib inline"],
  ["%%capture out\nimport a", "# %%capture out\nimport a"],
  ["\n%%bash\nls\n\nx", "#\n# %%bash\n# ls\n#\n# x"],
  ["%time x = f()\n%timeit f()\n%time", "x = f()\n# %timeit f()\n# %time"],
  ["for a in b:\n    !ls {a}\n    %time y = a", "for a in b:\n    pass  # !ls {a}\n    y = a"],
  ["files = !ls\na, b = %sx x\nc = 7 %d\nd %= 2", "# files = !ls\n# a, b = %sx x\nc = 7 %d\nd %= 2"],
  ["?f\nf?\nf.g??\n!echo 'it (\nx = 1\n!ls", "# ?f\n# f?\n# f.g??\n# !echo 'it (\nx = 1\n# !ls"],
  ['t = """\n%d items\n!no\n"""\nu = (a\n  %b)', 't = """\n%d items\n!no\n"""\nu = (a\n  %b)'],
])("of the cell %j the script has what Python can run", (source, expected) => {
  expect(toScript(notebook(code(source))).text).toBe(`# In[2]:\n${expected}\n`);
});

const scriptOf = (language: string, source: string) =>
  toScript({ ...notebook(code(source)), metadata: { language_info: { name: language } } }).text.replace(/^.*\n/, "");

test.each([
  "const a = `\n%d items\n!no\n%time x\n`;",
  "/*\n%not a magic\n!nor a command\n*/",
  "const rest = sum\n  // of all\n  +\n%3;",
  "const no =\n!yes;",
  "f(\n!yes,\n%x);",
  "let ready = f();\n!ready && g();",
  "!(a || b) && c();\n!await d;",
  "const r = a\n% 10;",
])("the script in TypeScript has all of the code %j", (source) => {
  expect(scriptOf("typescript", source)).toBe(`${source}\n`);
});

test.each([
  ["typescript", "let x = 1;\n!ls 'it (\n%types off\n%time x = 2;", "let x = 1;\n// !ls 'it (\n// %types off\nx = 2;"],
  ["R", "!is.null(x) || stop()", "!is.null(x) || stop()"],
  ["julia", "!ready && error()", "!ready && error()"],
  ["bash", "! grep a b\necho 1", "! grep a b\necho 1"],
])("in %s a line that is code is left as it is: %j", (language, source, expected) => {
  expect(scriptOf(language, source)).toBe(`${expected}\n`);
});

test("in TypeScript a timed cell and line stay, too", () => {
  const own = {
    ...notebook(code("%%time\nlet x = 1;"), code("%time x = 2;\n%types off\n!ls")),
    metadata: { language_info: { name: "typescript" } },
  };
  expect(toScript(own).text).toBe("// In[2]:\n// %%time\nlet x = 1;\n\n// In[2]:\nx = 2;\n// %types off\n// !ls\n");
});
