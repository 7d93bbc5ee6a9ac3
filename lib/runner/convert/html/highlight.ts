/** Colours code with Shiki's grammars, for a light and a dark page at once. */
import type { HighlighterCore } from "shiki/core";
import { escapeHtml } from "./escape.ts";

/** Grammars by the names that kernels and fences use; each is loaded when it is first needed. */
const grammars: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  typescript: () => import("shiki/langs/typescript.mjs"),
  tsx: () => import("shiki/langs/tsx.mjs"),
  javascript: () => import("shiki/langs/javascript.mjs"),
  python: () => import("shiki/langs/python.mjs"),
  json: () => import("shiki/langs/json.mjs"),
  yaml: () => import("shiki/langs/yaml.mjs"),
  bash: () => import("shiki/langs/bash.mjs"),
  r: () => import("shiki/langs/r.mjs"),
  julia: () => import("shiki/langs/julia.mjs"),
  cpp: () => import("shiki/langs/cpp.mjs"),
  c: () => import("shiki/langs/c.mjs"),
  rust: () => import("shiki/langs/rust.mjs"),
  go: () => import("shiki/langs/go.mjs"),
  java: () => import("shiki/langs/java.mjs"),
  html: () => import("shiki/langs/html.mjs"),
  css: () => import("shiki/langs/css.mjs"),
  sql: () => import("shiki/langs/sql.mjs"),
  latex: () => import("shiki/langs/latex.mjs"),
  markdown: () => import("shiki/langs/markdown.mjs"),
  diff: () => import("shiki/langs/diff.mjs"),
};

const aliases: Readonly<Record<string, string>> = {
  ts: "typescript",
  js: "javascript",
  jsx: "tsx",
  py: "python",
  ipython: "python",
  ipython3: "python",
  python3: "python",
  sh: "bash",
  shell: "bash",
  console: "bash",
  yml: "yaml",
  "c++": "cpp",
  tex: "latex",
  md: "markdown",
  jsonc: "json",
};

let highlighter: Promise<HighlighterCore> | undefined;
const loaded = new Map<string, Promise<void>>();

async function createHighlighter(): Promise<HighlighterCore> {
  const [{ createHighlighterCore }, { createOnigurumaEngine }, light, dark] = await Promise.all([
    import("shiki/core"),
    import("shiki/engine/oniguruma"),
    import("shiki/themes/github-light.mjs"),
    import("shiki/themes/github-dark.mjs"),
  ]);
  return createHighlighterCore({
    themes: [light.default, dark.default],
    langs: [],
    engine: await createOnigurumaEngine(import("shiki/wasm")),
  });
}

/** Loads the grammars of languages, so that `highlight` can use them without waiting. */
export async function loadLanguages(languages: Iterable<string>): Promise<Highlight> {
  highlighter ??= createHighlighter();
  const core = await highlighter;
  const names = new Set([...languages].map(grammarName).filter((name) => name !== undefined));
  await Promise.all(
    [...names].map((name) => {
      let loading = loaded.get(name);
      if (loading === undefined) {
        loading = (async () => core.loadLanguage((await grammars[name]?.())?.default as never))();
        loaded.set(name, loading);
      }
      return loading;
    }),
  );
  return (code, language) => highlightWith(core, code, grammarName(language));
}

/** Code as HTML: a `pre` element. */
export type Highlight = (code: string, language: string) => string;

function grammarName(language: string): string | undefined {
  const plain = language.toLowerCase();
  const name = aliases[plain] ?? plain;
  return Object.hasOwn(grammars, name) ? name : undefined;
}

/** Text this long is shown without colours: a minified bundle would take seconds. */
const longest = 100_000;
const longestLine = 5000;

function highlightWith(core: HighlighterCore, code: string, name: string | undefined): string {
  if (name === undefined || code.length > longest) {
    return `<pre class="shiki" tabindex="0"><code>${escapeHtml(code)}</code></pre>`;
  }
  return core
    .codeToHtml(code, {
      lang: name,
      themes: { light: "github-light", dark: "github-dark" },
      defaultColor: false,
      // By default Shiki stops colouring a line after half a second, so that a busy machine gets other pages.
      tokenizeTimeLimit: 0,
      tokenizeMaxLineLength: longestLine,
    })
    .replace(/ style="[^"]*"/, "");
}
