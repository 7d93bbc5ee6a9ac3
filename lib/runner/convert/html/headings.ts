/** The headings of a page: their ids, as other people's links have them, and the links that lead to them. */
import { randomBytes } from "node:crypto";
import type { Nodes } from "hast";
import { fromHtml } from "hast-util-from-html";
import { escapeHtml, unescapeHtml } from "./escape.ts";
import { decodePercent } from "./notebook-files.ts";

export interface Heading {
  readonly level: number;
  /** The element's id. */
  readonly id: string;
  /** The text without markup. */
  readonly text: string;
}

interface Found extends Omit<Heading, "id"> {
  /** The id that the notebook's own HTML gives it. */
  readonly own: string | undefined;
  /** The id that it has in Jupyter. */
  readonly wanted: string;
}

/** Collects the headings of a page. Which ids are free is known only when the page is complete. */
export class Headings {
  readonly #found: Found[] = [];
  /** Stands for the ids until they are known; nobody can guess it. */
  readonly #mark = `h${randomBytes(8).toString("hex")}`;

  /** Notes the headings of a piece of HTML, and gives each a link to itself. */
  collect(html: string): string {
    return html.replace(/<h([1-6])([^>]*)>([\s\S]*?)<\/h\1>/g, (whole, level, attributes: string, content: string) => {
      const heading = fromHtml(whole, { fragment: true });
      const [element] = heading.children;
      const own = element?.type === "element" ? element.properties.id : undefined;
      const number = this.#found.push({
        level: Number(level),
        text: textOf(heading, "").trim(),
        own: typeof own === "string" && own !== "" ? own : undefined,
        wanted: jupyterId(textOf(heading, "$").trim()),
      });
      const at = `${this.#mark}-${number - 1}`;
      const others = attributes.replace(/ id="[^"]*"/, "");
      return `<h${level}${others} id="${at}">${content}<a class="anchor" href="#${at}" aria-label="Link to this section">#</a></h${level}>`;
    });
  }

  /**
   * Puts the ids in their places. A link to what is nowhere leads to the heading that GitHub and VS Code mean by it, if there is one:
   * `#my-head` to "My Head".
   *
   * @param pieces All HTML of the page.
   */
  place(pieces: readonly string[]): { readonly pieces: string[]; readonly headings: Heading[] } {
    const others = new Set(
      pieces.flatMap((html) =>
        [...html.matchAll(/<[a-z][^>]*?\sid="([^"]*)"/gi)].map(([, id = ""]) => unescapeHtml(id)),
      ),
    );
    const ids = this.#ids(others);
    const known = new Set([...ids, ...others]);
    const bySlug = slugs(this.#found.map(({ text }) => text));
    const redirect = (whole: string, start: string, fragment: string) => {
      const name = decodePercent(unescapeHtml(fragment));
      const index = known.has(name) ? undefined : bySlug.get(gitHubSlug(name));
      return index === undefined ? whole : `${start}${escapeHtml(linkTo(ids[index] ?? ""))}"`;
    };
    const marked = new RegExp(`"(#?)${this.#mark}-(\\d+)"`, "g");
    const put = (_: string, hash: string, index: string) => {
      const id = ids[Number(index)] ?? "";
      return `"${escapeHtml(hash === "" ? id : linkTo(id))}"`;
    };
    return {
      pieces: pieces.map((html) => html.replace(/(<a\b[^>]*? href=")#([^"]+)"/g, redirect).replace(marked, put)),
      headings: this.#found.map(({ level, text }, index) => ({ level, text, id: ids[index] ?? "" })),
    };
  }

  /** The notebook's own ids, then those of Jupyter, where the first of a name has it; the others of a name are numbered. */
  #ids(others: ReadonlySet<string>): string[] {
    const ids = this.#found.map(({ own }) => own);
    const used = new Set([...others, ...ids.filter((id) => id !== undefined)]);
    const use = (id: string) => {
      used.add(id);
      return id;
    };
    this.#found.forEach(({ wanted }, index) => {
      ids[index] ??= used.has(wanted) ? undefined : use(wanted);
    });
    return this.#found.map(({ wanted }, index) => {
      let number = 1;
      while (ids[index] === undefined && used.has(`${wanted}-${number}`)) {
        number++;
      }
      return ids[index] ?? use(`${wanted}-${number}`);
    });
  }
}

/** An id as it is written in a link. */
export function linkTo(id: string): string {
  return `#${encodeURI(id).replaceAll("#", "%23")}`;
}

/**
 * Text without markup.
 *
 * @param dollars What stands around a formula's source; where it is empty, the formula's text as it is read out.
 */
function textOf(node: Nodes, dollars: "$" | ""): string {
  if (node.type === "text") {
    return node.value;
  }
  if (!("children" in node)) {
    return "";
  }
  if (node.type === "element") {
    const classes = Array.isArray(node.properties.className) ? node.properties.className : [];
    // The words for a picture that is not loaded are no more the heading's than the picture would be.
    if (node.tagName === "annotation" || classes.includes("katex-html") || classes.includes("not-loaded")) {
      return "";
    }
    if (classes.includes("katex-display") && dollars !== "") {
      return `$${node.children.map((child) => textOf(child, dollars)).join("")}$`;
    }
    const source = dollars === "" || node.tagName !== "math" ? undefined : sourceOf(node);
    if (source !== undefined) {
      return dollars + source + dollars;
    }
  }
  return (node.children as Nodes[]).map((child) => textOf(child, dollars)).join("");
}

/** The text of the annotation in a formula. */
function sourceOf(node: Nodes): string | undefined {
  if (!("children" in node)) {
    return undefined;
  }
  if (node.type === "element" && node.tagName === "annotation") {
    return (node.children as Nodes[]).map((child) => textOf(child, "")).join("");
  }
  return (node.children as Nodes[]).map(sourceOf).find((text) => text !== undefined);
}

/** As Notebook, JupyterLab and nbconvert make it: hyphens for spaces, and nothing else changed. */
function jupyterId(text: string): string {
  return text.replace(/\s/g, "-").replace(/\p{Surrogate}/gu, "\uFFFD") || "section";
}

/** As GitHub and VS Code make it: lower case, without punctuation. */
function gitHubSlug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}

/** Where GitHub's names lead: of several headings with one name all but the first have a number behind it. */
function slugs(texts: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  const count = new Map<string, number>();
  texts.forEach((text, index) => {
    const slug = gitHubSlug(text);
    const before = count.get(slug) ?? 0;
    count.set(slug, before + 1);
    const name = before === 0 ? slug : `${slug}-${before}`;
    found.set(name, found.get(name) ?? index);
  });
  return found;
}
