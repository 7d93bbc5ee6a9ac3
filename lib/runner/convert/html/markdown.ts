/** Markdown cells as HTML: CommonMark with tables, formulas, highlighted code, attachments and local images. */
import { randomBytes } from "node:crypto";
import markdownItKatex from "@vscode/markdown-it-katex";
import katex from "katex";
import createMarkdownIt, { type MarkdownIt } from "markdown-it";
import { githubAlerts } from "./alerts.ts";
import { escapeHtml } from "./escape.ts";
import type { Highlight } from "./highlight.ts";
import type { Attachments, Media } from "./media.ts";
import { sanitizeHtml } from "./sanitize.ts";

export interface Heading {
  readonly level: number;
  /** The element's id. */
  readonly slug: string;
  /** The text without markup. */
  readonly text: string;
}

export interface MarkdownRendererOptions {
  readonly highlight: Highlight;
  readonly sanitize: boolean;
  readonly media: Media;
}

// The plugin is CommonJS: where it is imported from an ES module its function may be one level down.
const katexPlugin = ((markdownItKatex as unknown as { default?: unknown }).default ?? markdownItKatex) as (
  md: MarkdownIt,
  options: object,
) => void;

/** Renders the Markdown of one page; headings are numbered and collected over all of it. */
export class MarkdownRenderer {
  readonly headings: Heading[] = [];
  /** True once a formula was rendered, so that the page needs KaTeX's style. */
  usesMath = false;
  readonly #md: MarkdownIt;
  readonly #options: MarkdownRendererOptions;
  readonly #slugs = new Map<string, number>();
  /** Stands before the numbers of our own HTML, which is put in after the rest was cleaned; nobody can guess it. */
  readonly #nonce = randomBytes(8).toString("hex");
  #trusted: string[] = [];

  constructor(options: MarkdownRendererOptions) {
    this.#options = options;
    this.#md = createMarkdownIt({ html: true, linkify: true });
    this.#md.use(githubAlerts);
    this.#md.use(katexPlugin, {
      enableBareBlocks: true,
      enableMathInlineInHtml: true,
      enableMathBlockInHtml: true,
      katex: {
        renderToString: (tex: string, settings: { displayMode?: boolean }) =>
          this.#trust("span", this.#formula(tex, settings.displayMode === true)),
      },
    });
    this.#md.renderer.rules.fence = (tokens, index) => {
      const token = tokens[index];
      const language = (token?.info ?? "").trim().split(/[\s{:]/)[0] ?? "";
      return this.#trust("pre", options.highlight((token?.content ?? "").replace(/\n$/, ""), language));
    };
    this.#md.renderer.rules.code_block = (tokens, index) =>
      this.#trust("pre", options.highlight((tokens[index]?.content ?? "").replace(/\n$/, ""), ""));
  }

  /**
   * @param source Markdown.
   * @param attachments The cell's attachments by name.
   */
  render(source: string, attachments?: Attachments): string {
    this.#trusted = [];
    const tokens = this.#md.parse(protectDelimiters(source), {});
    const html = this.#md.renderer.render(tokens, this.#md.options, {});
    const { media, sanitize } = this.#options;
    const clean = sanitize
      ? sanitizeHtml(html, (tree) => media.place(tree, attachments))
      : media.embed(html, attachments);
    return this.#withHeadings(this.#putTrusted(clean));
  }

  /** A formula as HTML with MathML for screen readers. */
  #formula(tex: string, displayMode: boolean): string {
    this.usesMath = true;
    return katex.renderToString(tex, {
      displayMode,
      throwOnError: false,
      strict: false,
      trust: false,
      maxExpand: 1000,
      maxSize: 50,
    });
  }

  #trust(tag: string, html: string): string {
    this.#trusted.push(html);
    return `<${tag} class="t${this.#nonce}-${this.#trusted.length - 1}"></${tag}>`;
  }

  #putTrusted(html: string): string {
    const place = new RegExp(`<(span|pre) class="t${this.#nonce}-(\\d+)"></\\1>`, "g");
    return html.replace(place, (_, __, index) => this.#trusted[Number(index)] ?? "");
  }

  #withHeadings(html: string): string {
    return html.replace(
      /<h([1-6])([^>]*)>([\s\S]*?)<\/h\1>/g,
      (_, level: string, attributes: string, content: string) => {
        const withoutMath = content
          .replace(/<span class="katex-html"[\s\S]*$/, "")
          .replace(/<annotation[\s\S]*?<\/annotation>/g, "");
        const text = decode((/katex/.test(content) ? withoutMath : content).replace(/<[^>]*>/g, "")).trim();
        const slug = this.#slug(text);
        this.headings.push({ level: Number(level), slug, text });
        const own = attributes.replace(/ id="[^"]*"/, "");
        return `<h${level}${own} id="${slug}">${content}<a class="anchor" href="#${slug}" aria-label="Link to this section">#</a></h${level}>`;
      },
    );
  }

  #slug(text: string): string {
    const base =
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}]+/gu, "-")
        .replace(/^-|-$/g, "") || "section";
    const count = this.#slugs.get(base) ?? 0;
    this.#slugs.set(base, count + 1);
    return escapeHtml(count === 0 ? base : `${base}-${count}`);
  }
}

/** Brackets as formula delimiters, which Jupyter knows and the plugin does not; code keeps its own. */
function protectDelimiters(source: string): string {
  return source
    .split(/(^(?:```|~~~)[\s\S]*?^(?:```|~~~)[^\n]*$|`[^`\n]*`)/m)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part
            .replace(/\\\\\[([\s\S]+?)\\\\\]/g, (_, tex: string) => `\n$$\n${tex.trim()}\n$$\n`)
            .replace(/\\\\\(([\s\S]+?)\\\\\)/g, (_, tex: string) => `$${tex.trim()}$`),
    )
    .join("");
}

function decode(text: string): string {
  return text
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex, decimal) =>
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
    )
    .replace(/&(lt|gt|quot|amp);/g, (_, name: string) => ({ lt: "<", gt: ">", quot: '"', amp: "&" })[name] ?? "");
}
