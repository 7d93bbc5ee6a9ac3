/** Markdown cells as HTML: CommonMark with tables, formulas, highlighted code, attachments and local images. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { extname, relative, resolve, sep } from "node:path";
import markdownItKatex from "@vscode/markdown-it-katex";
import katex from "katex";
import createMarkdownIt, { type MarkdownIt } from "markdown-it";
import type { MimeBundle } from "../../notebook/types.ts";
import { joinLines } from "../../notebook/types.ts";
import { escapeHtml } from "./escape.ts";
import type { Highlight } from "./highlight.ts";
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
  /** Folder whose images may be embedded; undefined embeds none. */
  readonly baseFolder: string | undefined;
}

/** Larger pictures stay links. */
const largestImage = 20 * 2 ** 20;

const imageTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
};

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
  render(source: string, attachments: Readonly<Record<string, MimeBundle>> = {}): string {
    this.#trusted = [];
    const tokens = this.#md.parse(protectDelimiters(source), {});
    for (const token of tokens) {
      for (const child of token.children ?? []) {
        if (child.type === "image") {
          child.attrSet("src", this.#imageSource(String(child.attrGet("src") ?? ""), attachments));
        }
      }
    }
    const html = this.#md.renderer.render(tokens, this.#md.options, {});
    const clean = this.#options.sanitize ? sanitizeHtml(html) : html;
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

  #imageSource(src: string, attachments: Readonly<Record<string, MimeBundle>>): string {
    if (src.startsWith("attachment:")) {
      const bundle = attachments[decodeURIComponent(src.slice("attachment:".length))] ?? {};
      const [mimetype, data] = Object.entries(bundle)[0] ?? [];
      return mimetype?.startsWith("image/") ? `data:${mimetype};base64,${joinLines(data).replace(/\s/g, "")}` : src;
    }
    const { baseFolder } = this.#options;
    if (baseFolder === undefined || /^([a-z][a-z0-9+.-]*:|\/\/|#)/i.test(src)) {
      return src;
    }
    return embedImage(src, baseFolder) ?? src;
  }
}

/** A picture of the notebook's folder as a data address; undefined where there is none, or where it lies outside. */
function embedImage(src: string, baseFolder: string): string | undefined {
  let path: string;
  try {
    path = resolve(baseFolder, decodeURIComponent(src.replace(/[?#].*$/, "")));
    if (!existsSync(path)) {
      return undefined;
    }
    // Links are followed before looking where it lies.
    const inside = relative(realpathSync(baseFolder), realpathSync(path));
    if (inside.startsWith(`..${sep}`) || inside === "..") {
      return undefined;
    }
  } catch {
    return undefined;
  }
  const type = imageTypes[extname(path).toLowerCase()];
  const stat = statSync(path);
  return type === undefined || !stat.isFile() || stat.size > largestImage
    ? undefined
    : `data:${type};base64,${readFileSync(path).toString("base64")}`;
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
