/** Markdown cells as HTML: CommonMark with tables, tasks, definitions, formulas, highlighted code, attachments and local images. */
import { randomBytes } from "node:crypto";
import markdownItKatex from "@vscode/markdown-it-katex";
import katex from "katex";
import "katex/contrib/mhchem";
import createMarkdownIt, { type MarkdownIt } from "markdown-it";
import definitionLists from "markdown-it-deflist";
import { githubAlerts } from "./alerts.ts";
import { type Equations, isDisplayed } from "./equations.ts";
import { escapeHtml } from "./escape.ts";
import type { Headings } from "./headings.ts";
import type { Highlight } from "./highlight.ts";
import { findFormulas, outsideCode } from "./math-source.ts";
import type { Attachments, Media } from "./media.ts";
import { sanitizeHtml } from "./sanitize.ts";
import { taskLists } from "./task-lists.ts";
import { asMathJax } from "./tex-as-mathjax.ts";
import { pageMacros } from "./tex-macros.ts";

export interface MarkdownRendererOptions {
  readonly highlight: Highlight;
  readonly sanitize: boolean;
  readonly media: Media;
  readonly equations: Equations;
  readonly headings: Headings;
}

// The plugin is CommonJS: where it is imported from an ES module its function may be one level down.
const katexPlugin = ((markdownItKatex as unknown as { default?: unknown }).default ?? markdownItKatex) as (
  md: MarkdownIt,
  options: object,
) => void;

/** A reference in text, which MathJax finds outside of formulas, too. */
const longestReference = 400;
const referenceAt = /^\\(eq)?ref\s*\{([^{}]+)\}/;

/** A formula that was taken out of the text with its double dollars. */
function withoutDollars(tex: string): string {
  return tex.replace(/^\$\$([\s\S]*)\$\$$/, "$1");
}

/** Puts names of attachments that have blanks, which end an address in Markdown, between angle brackets. */
function bracketed(source: string, names: readonly string[]): string {
  return names
    .filter((name) => /\s/.test(name) && !/[<>\n]/.test(name))
    .reduce((text, name) => text.replaceAll(`](attachment:${name}`, () => `](<attachment:${name}>`), source);
}

/** Renders the Markdown of one page. */
export class MarkdownRenderer {
  /** True once a formula was rendered, so that the page needs KaTeX's style. */
  usesMath = false;
  readonly #md: MarkdownIt;
  readonly #options: MarkdownRendererOptions;
  /** Stands before the numbers of our own HTML, which is put in after the rest was cleaned; nobody can guess it. */
  readonly #nonce = randomBytes(8).toString("hex");
  #trusted: string[] = [];
  /** The environments of the text, and formulas with text behind them, for which a number stands in it behind the same secret. */
  #environments: string[] = [];
  readonly #environmentAt = new RegExp(`^\\\\m${this.#nonce}-(\\d+);`);
  readonly #environmentIn = new RegExp(`\\\\m${this.#nonce}-(\\d+);`, "g");
  readonly #macros = pageMacros();

  constructor(options: MarkdownRendererOptions) {
    this.#options = options;
    this.#md = createMarkdownIt({ html: true, linkify: true });
    // `// text` is a comment more often than the address of a host.
    this.#md.linkify.add("//", null);
    this.#md.use(githubAlerts).use(taskLists).use(definitionLists);
    this.#md.use(katexPlugin, {
      enableBareBlocks: true,
      enableMathInlineInHtml: true,
      enableMathBlockInHtml: true,
      katex: {
        renderToString: (tex: string) => this.#trust("span", this.#formula(tex, true)),
      },
    });
    // GitHub, Jupyter and nbconvert strike text through as something that was deleted.
    this.#md.renderer.rules.s_open = () => "<del>";
    this.#md.renderer.rules.s_close = () => "</del>";
    // A displayed formula in a paragraph is part of it.
    for (const name of ["math_block", "math_inline_bare_block"]) {
      this.#md.renderer.rules[name] = (tokens, index) => {
        const formula = this.#trust("span", this.#formula(tokens[index]?.content ?? "", true));
        return tokens[index]?.map ? `<p class="katex-block">${formula}</p>\n` : formula;
      };
    }
    this.#md.renderer.rules.math_inline = (tokens, index) =>
      this.#trust("span", this.#formula(tokens[index]?.content ?? "", false));
    this.#md.inline.ruler.before("escape", "environment", (state, silent) => {
      const match = this.#environmentAt.exec(state.src.slice(state.pos, state.pos + longestReference));
      if (match === null) {
        return false;
      }
      if (!silent) {
        state.push("environment", "", 0).content = this.#environment(match[1]);
      }
      state.pos += match[0].length;
      return true;
    });
    // Before escapes are read, which would take the backslash.
    this.#md.inline.ruler.before("escape", "equation_reference", (state, silent) => {
      const match = referenceAt.exec(state.src.slice(state.pos, state.pos + longestReference));
      if (match === null) {
        return false;
      }
      if (!silent) {
        const token = state.push("equation_reference", "", 0);
        token.content = match[2] ?? "";
        token.meta = { parentheses: match[1] === "eq" };
      }
      state.pos += match[0].length;
      return true;
    });
    this.#md.renderer.rules.equation_reference = (tokens, index) =>
      this.#trust("span", this.#reference(tokens[index]?.content ?? "", tokens[index]?.meta?.parentheses === true));
    this.#md.renderer.rules.environment = (tokens, index) =>
      this.#trust("span", this.#formula(withoutDollars(tokens[index]?.content ?? ""), true));
    this.#md.renderer.rules.html_block = (tokens, index) => this.#htmlBlock(tokens[index]?.content ?? "");
    this.#md.renderer.rules.fence = (tokens, index) => {
      const token = tokens[index];
      const language = (token?.info ?? "").trim().split(/[\s{:]/)[0] ?? "";
      return this.#trust("pre", options.highlight(this.#asWritten(token?.content ?? "").replace(/\n$/, ""), language));
    };
    this.#md.renderer.rules.code_block = (tokens, index) =>
      this.#trust("pre", options.highlight(this.#asWritten(tokens[index]?.content ?? "").replace(/\n$/, ""), ""));
  }

  /**
   * @param source Markdown.
   * @param attachments The cell's attachments by name.
   */
  render(source: string, attachments?: Attachments): string {
    this.#trusted = [];
    this.#environments = [];
    const named = outsideCode(source, (part) => bracketed(part, Object.keys(attachments ?? {})));
    const text = findFormulas(named, (tex) => `\\m${this.#nonce}-${this.#environments.push(tex) - 1};`);
    const tokens = this.#md.parse(text, {});
    const html = this.#md.renderer.render(tokens, this.#md.options, {});
    const { media, sanitize } = this.#options;
    const clean = sanitize
      ? sanitizeHtml(html, (tree) => media.place(tree, attachments))
      : media.embed(html, attachments);
    // What is left of the environments is in code.
    const whole = this.#putTrusted(clean).replace(this.#environmentIn, (_, index) =>
      escapeHtml(this.#environment(index)),
    );
    return this.#options.headings.collect(whole);
  }

  #environment(index: string | undefined): string {
    return this.#environments[Number(index)] ?? "";
  }

  /** Text of the notebook with its environments in their places. */
  #asWritten(text: string): string {
    return text.replace(this.#environmentIn, (_, index) => this.#environment(index));
  }

  /** A block of HTML with the formulas and references in its text; its tags, code and scripts are passed over. */
  #htmlBlock(content: string): string {
    const parts = new RegExp(
      String.raw`<(pre|code|script|style|textarea)\b[\s\S]*?</\1>|<[^>]*>|\\(eq)?ref\s*\{([^{}]+)\}|${this.#environmentIn.source}`,
      "gi",
    );
    return content.replace(parts, (whole, _, eq?: string, label?: string, environment?: string) => {
      if (label !== undefined) {
        return this.#trust("span", this.#reference(label, eq !== undefined));
      }
      return environment === undefined
        ? whole
        : this.#trust("span", this.#formula(withoutDollars(this.#environment(environment)), true));
    });
  }

  /** A formula as HTML with MathML for screen readers. */
  #formula(tex: string, displayMode: boolean): string {
    this.usesMath = true;
    const { equations } = this.#options;
    try {
      const html = katex.renderToString(equations.prepare(asMathJax(tex), !displayMode), {
        displayMode: displayMode || isDisplayed(tex),
        throwOnError: false,
        strict: false,
        // Ids and links are our own, of numbers and references; a formula's own could lead anywhere.
        trust: (context) =>
          context.command === "\\htmlId"
            ? equations.isOwn(context.id)
            : context.command === "\\href" && equations.isOwn(context.url.slice(1)),
        // What a formula defines is there in those behind it.
        macros: this.#macros,
        globalGroup: true,
        maxExpand: 1000,
        maxSize: 50,
      });
      // What is copied is what the notebook has.
      return html.replace(/(<annotation [^>]*>)[\s\S]*?(?=<\/annotation>)/, (_, tag: string) => tag + escapeHtml(tex));
    } catch (error) {
      // KaTeX shows what it does not know, and throws where its nesting is too deep for the stack.
      return `<code title="${escapeHtml(String(error))}">${escapeHtml(tex)}</code>`;
    }
  }

  /** A reference in the text, as a link to the equation's number. */
  #reference(label: string, parentheses: boolean): string {
    const { text, id } = this.#options.equations.reference(label.trim(), parentheses);
    const shown = /^[\w\s.,:()?*'-]*$/.test(text) ? escapeHtml(text) : this.#formula(`\\text{${text}}`, false);
    return id === undefined
      ? `<span class="equation">${shown}</span>`
      : `<a class="equation" href="#${id}">${shown}</a>`;
  }

  #trust(tag: string, html: string): string {
    this.#trusted.push(html);
    return `<${tag} class="t${this.#nonce}-${this.#trusted.length - 1}"></${tag}>`;
  }

  #putTrusted(html: string): string {
    const place = new RegExp(`<(span|pre) class="t${this.#nonce}-(\\d+)"></\\1>`, "g");
    return html.replace(place, (_, __, index) => this.#trusted[Number(index)] ?? "");
  }
}
