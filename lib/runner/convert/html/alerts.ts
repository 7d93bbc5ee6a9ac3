/** Boxes that a reader should not miss: GitHub's `> [!NOTE]`, and Bootstrap's `<div class="alert alert-info">`. */
import type { MarkdownIt } from "markdown-it";

/** GitHub's kinds: https://docs.github.com/get-started/writing-on-github (basic formatting syntax, alerts). */
const kinds = ["Note", "Tip", "Important", "Warning", "Caution"];

type Token = ReturnType<MarkdownIt["parse"]>[number];

/** Makes boxes of quotations whose first line is a marker and that hold something else, as GitHub does. */
export function githubAlerts(md: MarkdownIt): void {
  // Before escaped characters become text like any other: \[!NOTE] is no marker.
  md.core.ruler.after("inline", "github_alerts", (state) => {
    for (let index = state.tokens.length - 1; index >= 0; index--) {
      const opening = state.tokens[index] as Token;
      const title = opening.type === "blockquote_open" ? titleAt(state.tokens, index) : undefined;
      if (title === undefined) {
        continue;
      }
      const closing = state.tokens.findIndex(
        (token, at) => at > index && token.type === "blockquote_close" && token.level === opening.level,
      );
      const paragraph = state.tokens[index + 2] as Token;
      const rest = (paragraph.children ?? []).slice(2);
      // The marker's line goes; the paragraph, too, where there is nothing else in it.
      const begins = rest.length === 0 ? index + 4 : index + 1;
      if (begins === closing) {
        continue;
      }
      paragraph.children = rest;
      paragraph.content = paragraph.content.replace(/^[^\n]*\n?/, "");
      opening.tag = "div";
      opening.attrSet("class", `markdown-alert markdown-alert-${title.toLowerCase()}`);
      opening.attrSet("role", "note");
      (state.tokens[closing] as Token).tag = "div";
      const heading = new state.Token("html_block", "", 0);
      heading.content = `<p class="markdown-alert-title">${title}</p>\n`;
      state.tokens.splice(index + 1, begins - index - 1, heading);
    }
  });
}

/** The kind that the first line of a quotation names, alone on its line. */
function titleAt(tokens: readonly Token[], index: number): string | undefined {
  const [paragraph, inline] = tokens.slice(index + 1, index + 3);
  if (paragraph?.type !== "paragraph_open" || inline?.type !== "inline") {
    return undefined;
  }
  const [marker, end] = inline.children ?? [];
  const word = marker?.type === "text" ? /^\[!(\w+)\]\s*$/.exec(marker.content)?.[1]?.toLowerCase() : undefined;
  return end === undefined || end.type === "softbreak" || end.type === "hardbreak"
    ? kinds.find((kind) => kind.toLowerCase() === word)
    : undefined;
}

/** A picture in one colour, drawn in a square of 16; the colour is the text's. */
function icon(drawing: string): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#000" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${drawing}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

const mark = `<path d="M8 5v3.4M8 11v.1"/>`;
const icons: Readonly<Record<string, string>> = {
  note: icon(`<circle cx="8" cy="8" r="6.5"/><path d="M8 7.4V11M8 5v.1"/>`),
  tip: icon(`<path d="M6 13h4M6.8 15h2.4M6 11c0-1.6-2-2.4-2-5a4 4 0 0 1 8 0c0 2.6-2 3.4-2 5z"/>`),
  important: icon(`<path d="M2 2h12v9.500H8.500L5 14.500v-3H2z"/><path d="M8 4.500v2.600M8 9.200v.1"/>`),
  warning: icon(`<path d="M8 1.8 15 14H1z"/><path d="M8 6.400v3.200M8 11.700v.1"/>`),
  caution: icon(`<path d="M5.3 1.500h5.400l3.8 3.800v5.400l-3.8 3.800H5.300l-3.8-3.800V5.300z"/>${mark}`),
};

/** The tone of each box is one of the page's colours, which differ in light and dark. */
const tones: Readonly<Record<string, readonly string[]>> = {
  blue: [".alert-primary", ".markdown-alert-note"],
  cyan: [".alert-info"],
  green: [".alert-success", ".markdown-alert-tip"],
  magenta: [".markdown-alert-important"],
  yellow: [".alert-warning", ".markdown-alert-warning"],
  red: [".alert-danger", ".alert-error", ".markdown-alert-caution"],
};

export const alertStyle = `
.alert, .markdown-alert { --tone: var(--soft); margin: 0 0 1em; padding: .75em 1.1em; border: 1px solid color-mix(in srgb, var(--tone) 35%, transparent); border-left: 4px solid var(--tone); border-radius: 6px; background: color-mix(in srgb, var(--tone) 9%, transparent); color: var(--ink); }
${Object.entries(tones)
  .map(([colour, names]) => `:is(${names.join(", ")}) { --tone: var(--${colour}); }`)
  .join("\n")}
:is(.alert, .markdown-alert) > :last-child { margin-bottom: 0; } :is(.alert, .markdown-alert) > :is(h1, h2, h3, h4, h5, h6) { margin-top: .2em; border: 0; }
.alert-heading { color: var(--tone); } .alert-link { font-weight: 600; color: inherit; } .alert > :is(.close, .btn-close) { display: none; }
.markdown-alert-title { display: flex; align-items: center; gap: .5em; margin: 0 0 .35em; color: var(--tone); font-weight: 600; }
.markdown-alert-title::before { content: ""; flex: none; width: 1em; height: 1em; background: currentColor; mask: var(--icon) center / contain no-repeat; }
${Object.entries(icons)
  .map(([kind, url]) => `.markdown-alert-${kind} { --icon: ${url}; }`)
  .join("\n")}
`;
