/** Ids of headings as Jupyter and nbconvert give them, and where links in the text lead. What nbconvert made is in testing/, with its maker. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Element, Nodes } from "hast";
import { fromHtml } from "hast-util-from-html";
import { expect, test } from "vitest";
import type { Notebook } from "../../notebook/types.ts";
import { toHtml } from "./to-html.ts";

const { headings } = JSON.parse(readFileSync(join(import.meta.dirname, "testing/markdown.json"), "utf8")) as {
  headings: readonly (readonly [text: string, html: string])[];
};

/** The elements of the cells with these texts. */
async function cells(...sources: string[]): Promise<Element[]> {
  const notebook: Notebook = {
    cells: sources.map((source) => ({ cell_type: "markdown", metadata: {}, source })),
    metadata: {},
    nbformat: 4,
    nbformat_minor: 5,
  };
  return elementsOf(/<main[^>]*>([\s\S]*)<\/main>/.exec(await toHtml(notebook))?.[1] ?? "");
}

function elementsOf(html: string): Element[] {
  const below = (node: Nodes): Element[] => {
    const inner = "children" in node ? (node.children as Nodes[]).flatMap(below) : [];
    return node.type === "element" ? [node, ...inner] : inner;
  };
  return below(fromHtml(html, { fragment: true }));
}

const isAnchor = ({ properties }: Element) => /anchor/.test(String(properties.className));

function textOf(node: Nodes): string {
  if (node.type === "text") {
    return node.value;
  }
  const left = node.type === "element" && (isAnchor(node) || /katex-mathml/.test(String(node.properties.className)));
  return left || !("children" in node) ? "" : (node.children as Nodes[]).map(textOf).join("");
}

/** The element that a browser goes to for a link: that with the id as it stands in the address, or as it is decoded. */
function target(elements: readonly Element[], href: string): Element | undefined {
  const fragment = new URL(href, "https://example.org/").hash.slice(1);
  const byId = (id: string) => elements.find(({ properties }) => properties.id === id);
  return byId(fragment) ?? byId(decodeURIComponent(fragment.replace(/%(?![0-9a-f]{2})/gi, "%25")));
}

test.each(headings)("a heading's id is nbconvert's: %s", async (text, html) => {
  const theirs = elementsOf(html);
  const ours = await cells(`# ${text}`);
  const id = decodeURIComponent(String(theirs[0]?.properties.id)).replace("\t", "-");
  expect(ours.find(({ tagName }) => tagName === "h1")?.properties.id).toBe(id);
  // Its link leads to it, and so does nbconvert's.
  for (const href of [...theirs, ...ours].filter(isAnchor).map(({ properties }) => String(properties.href))) {
    expect(target(ours, href.replace("%09", "-"))?.properties.id, href).toBe(id);
  }
});

test.each([
  ["in Jupyter's spelling", "# My Head\n\n[l](#My-Head)", "#My-Head", "My Head"],
  ["with letters beyond ASCII", "# Über uns\n\n[l](#Über-uns)", "#%C3%9Cber-uns", "Über uns"],
  ["with letters that are encoded", "# Über uns\n\n[l](#%C3%9Cber-uns)", "#%C3%9Cber-uns", "Über uns"],
  ["with a per cent sign", "# 50% of it\n\n[l](#50%-of-it)", "#50%25-of-it", "50% of it"],
  ["with a formula", "# The $x^2$ rule\n\n[l](#The-$x^2$-rule)", "#The-$x%5E2$-rule", "The x2 rule"],
  ["with a displayed one", "# $$x$$ too\n\n[l](#$$x$$-too)", "#$$x$$-too", "x too"],
  ["that stands before its heading", "[l](#My-Head)\n\n# My Head", "#My-Head", "My Head"],
  ["to the first of two of one name", "# Same\n\n## Same\n\n[l](#Same)", "#Same", "Same"],
  ["to the second of them, as GitHub has it", "# Same\n\n## Same\n\n[l](#same-1)", "#Same-1", "Same"],
  ["to a heading that looks like a second", "# A\n\n# A\n\n# A-1\n\n[l](#A-1)", "#A-1", "A-1"],
  ["in GitHub's spelling", "# What's *new*, then?\n\n[l](#whats-new-then)", "#What's-new,-then?", "What's new, then?"],
  ["to a heading of HTML with its own id", '<h2 id="own">Mine</h2>\n\n[l](#own)', "#own", "Mine"],
  ["by its text to one with its own id", '<h2 id="own">Mine</h2>\n\n[l](#Mine)', "#own", "Mine"],
  ["into a quotation", "> # My Head\n\n[l](#My-Head)", "#My-Head", "My Head"],
  ["to a name", '<a name="intro">Here</a>\n\n# Intro\n\n[l](#intro)', "#intro", "Here"],
  ["to an id that stands in code, too", '# Head\n\n    <a id="Head">\n\n[l](#Head)', "#Head", "Head"],
  ["nowhere", "# Head\n\n[l](#nowhere)", "#nowhere", undefined],
])("a link leads %s", async (_, source, href, text) => {
  const whole = await cells(source);
  const split = await cells(...source.split("\n\n"));
  for (const elements of [whole, split]) {
    const links = elements.filter(({ tagName, properties }) => tagName === "a" && properties.href !== undefined);
    expect(links.filter((link) => !isAnchor(link)).map(({ properties }) => properties.href)).toEqual([href]);
    const found = target(elements, href);
    expect(found && textOf(found)).toBe(text);
    const ids = elements.flatMap(({ properties: { id } }) => (id === undefined ? [] : [id]));
    expect(new Set(ids).size).toBe(ids.length);
  }
});
