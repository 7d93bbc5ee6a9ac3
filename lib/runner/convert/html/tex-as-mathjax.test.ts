/** Formulas that Jupyter's MathJax shows and KaTeX alone does not. */
import { expect, test } from "vitest";
import { toHtml } from "./to-html.ts";

async function formula(tex: string): Promise<string> {
  const page = await toHtml({
    cells: [{ cell_type: "markdown", metadata: {}, source: `$${tex}$` }],
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  });
  return /<section class="cell markdown">([\s\S]*)<\/section>/.exec(page)?.[1] ?? "";
}

/** What a screen reader says: the text of the MathML, with its entities. */
const shown = (html: string) =>
  (/<math[^>]*><semantics>([\s\S]*?)<annotation/.exec(html)?.[1] ?? "")
    .replace(/<mphantom>.*?<\/mphantom>|<[^>]*>/g, "")
    .replaceAll("\u00a0", " ");

test.each([
  ["\\text{y_true} = 1", "y_true=1"],
  ["x_{\\text{train_loss}} + \\textbf{a_b}", "xtrain_loss+a_b"],
  ["\\text{a\\_b & c # d}", "a_b &amp; c # d"],
  ["\\mbox{if } x^\\mbox{T}", "if xT"],
  ["\\text{a^b}", "a^b"],
  // https://github.com/jupyter/nbconvert/issues/881: shown in the notebook.
  ["\\mu_\\widehat{p} = \\overline{\\widehat{Y}}", "μp^=Y^‾"],
  ["x_\\vec{a}^\\hat{b}", "xa⃗b^"],
  ["\\ce{H2O}", "H2O"],
  ["\\require{cancel}\\cancel{x}", "x"],
  ["\\class{big}{a} + \\cssId{i}{b} + \\style{color: red}{c}", "a+b+c"],
  ["\\bbox[yellow, 2px]{x} + \\bbox{y}", "x+y"],
  ["\\enclose{circle}{x}", "x"],
  ["\\unicode{x263a}\\unicode{9786}", "☺☺"],
  ["\\mathds{1} + \\mathbbm{R}", "1+R"],
  ["\\iddots", "⋰"],
])("%s", async (tex, expected) => {
  const html = await formula(tex);
  expect(html).not.toMatch(/katex-error|#cc0000|<code/);
  expect(shown(html)).toBe(expected);
});

test("what is copied is what the notebook has", async () => {
  expect(await formula("x_\\hat{a}\\text{b_c}")).toContain(">x_\\hat{a}\\text{b_c}</annotation>");
});

test("styles and ids that formulas ask for are not in the page", async () => {
  expect(await formula("\\cssId{content}{a}\\style{position: fixed}{b}\\class{theme}{c}")).not.toMatch(
    /id="content"|style="[^"]*position|class="[^"]*theme/,
  );
});
