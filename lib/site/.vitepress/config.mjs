/** How VitePress makes the site: its places, its bars, its search. `build.mjs` has put the pages into `content/` before. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const repository = new URL("../../../", import.meta.url);
const { notebooks, packages } = JSON.parse(readFileSync(new URL("../content/contents.json", import.meta.url), "utf8"));
// KaTeX and its extension are the runner's: formulas look as they do in its pages. MathML alone would need a font for mathematics on the reader's machine:
// without one Chromium leaves x_l+1 on its line.
const require = createRequire(new URL("lib/runner/package.json", repository));
const katex = require("@vscode/markdown-it-katex").default;
const katexStyle = require.resolve("katex/dist/katex.min.css");

// Where the site is served from, as /convbook/.
const base = process.env.CONVBOOK_SITE_BASE || "/";
const guides = [
  ["Installation", "installation"],
  ["Jupyter, VS Code, Hub", "jupyter"],
  ["Bring a PyTorch checkpoint", "pytorch-checkpoints"],
  ["Bring your own data", "your-own-data"],
  ["Write a block", "write-a-block"],
  ["Train from a YAML file", "train-from-yaml"],
  ["Notebooks in CI in five minutes", "continuous-integration"],
  ["Backends and speed", "backends-and-speed"],
  ["Coming from …", "coming-from"],
].map(([text, name]) => ({ text, link: `/guides/${name}` }));

/** What the search knows of a page: of the reference not what each member says again, what it returns and where it comes from, which would be most of it. */
function searched(source, env, md) {
  const again = /^#{2,6} (?:Returns|Inherited from|Overrides|Implementation of|Extended by)\n[^#]*/gm;
  return md.render(env.relativePath.startsWith("api/") ? source.replace(again, "") : source, env);
}

export default defineConfig({
  lang: "en",
  title: "Convbook",
  description: "A Jupyter kernel for TypeScript, and a teaching kit for convolutional networks",
  base,
  srcDir: "content",
  cacheDir: fileURLToPath(new URL("out/site-cache", repository)),
  head: [["link", { rel: "icon", href: `${base}logo.svg`, type: "image/svg+xml" }]],
  // VitePress's first page has no landmark of its own for what it is about.
  transformHtml: (code) => code.replace('<div class="VPContent is-home"', '<div role="main" class="VPContent is-home"'),
  // A page that the bar at the side does not list would lead on to the first one that it does.
  transformPageData: ({ relativePath }) =>
    /^api\/.*\/.*\//.test(relativePath) ? { frontmatter: { prev: false, next: false } } : undefined,
  metaChunk: true,
  markdown: {
    // The usual themes of code have colours below a contrast of 4.5 : 1.
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // Attributes stand in {: :}: in braces alone they would take what a cell of a table ends with, as {"lr": 0.1}.
    attrs: { leftDelimiter: "{:", rightDelimiter: ":}" },
    config: (md) => md.use(katex, { throwOnError: false }),
  },
  vite: { resolve: { alias: { "katex.css": katexStyle } } },
  themeConfig: {
    logo: "/logo.svg",
    nav: [
      { text: "Guides", link: "/guides/installation", activeMatch: "^/guides/" },
      { text: "Notebooks", link: "/notebooks/", activeMatch: "^/notebooks/" },
      { text: "Reference", link: "/api/", activeMatch: "^/api/" },
    ],
    sidebar: {
      "/guides/": [{ text: "Guides", items: guides }],
      "/notebooks/": [
        { text: "Notebooks", items: notebooks.map(({ name, title }) => ({ text: title, link: `/notebooks/${name}` })) },
      ],
      // Of single functions and classes the package's page has the list; hundreds of them here would be in each page.
      "/api/": packages.map(({ name, title, namespaces }) => ({
        text: title,
        link: `/api/${name}/`,
        items: namespaces.map((space) => ({ text: space, link: `/api/${name}/namespaces/${space}/` })),
      })),
    },
    outline: { level: [2, 3] },
    search: { provider: "local", options: { _render: searched } },
    docFooter: { prev: "Before", next: "Next" },
  },
});
