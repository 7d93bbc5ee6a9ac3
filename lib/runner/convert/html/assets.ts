/** The scripts, styles and fonts that a page carries with it, from the packages that publish them. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** A script: in the page, or fetched from where npm packages are served. */
export interface ScriptAsset {
  readonly name: string;
  readonly cdn: string;
  readonly text: () => string;
}

const cache = new Map<string, string>();

function packageFolder(name: string): string {
  // Some packages export no package.json: their main file's folder leads there.
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    const main = require.resolve.paths(name)?.map((folder) => join(folder, name)) ?? [];
    return main.find((folder) => readable(join(folder, "package.json"))) ?? "";
  }
}

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

function asset(name: string, path: string): ScriptAsset {
  const folder = () => packageFolder(name);
  const version = () =>
    (JSON.parse(readFileSync(join(folder(), "package.json"), "utf8")) as { version: string }).version;
  return {
    name,
    get cdn() {
      return `https://cdn.jsdelivr.net/npm/${name}@${version()}/${path}`;
    },
    text: () => {
      const key = `${name}/${path}`;
      let text = cache.get(key);
      if (text === undefined) {
        // The source map is not in the page; a tag in a string must not end the element.
        text = readFileSync(join(folder(), path), "utf8")
          // As HTML reads it, so that the policy's hash is that of what runs.
          .replace(/\r\n?/g, "\n")
          .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "")
          .replace(/<\/(script)/gi, "<\\/$1")
          .replace(/<!--/g, "<\\!--");
        cache.set(key, text);
      }
      return text;
    },
  };
}

export const vegaScripts: readonly ScriptAsset[] = [
  asset("vega", "build/vega.min.js"),
  asset("vega-lite", "build/vega-lite.min.js"),
  asset("vega-embed", "build/vega-embed.min.js"),
];

export const plotlyScripts = {
  cartesian: asset("plotly.js-cartesian-dist-min", "plotly-cartesian.min.js"),
  full: asset("plotly.js-dist-min", "plotly.min.js"),
} as const;

let katexText: string | undefined;

/** KaTeX's style with its fonts in it. */
export function katexStyle(): string {
  if (katexText === undefined) {
    const folder = join(packageFolder("katex"), "dist");
    katexText = readFileSync(join(folder, "katex.min.css"), "utf8").replace(
      /src:url\(fonts\/([\w-]+\.woff2)\)[^;}]*/g,
      (_, font: string) =>
        `src:url(data:font/woff2;base64,${readFileSync(join(folder, "fonts", font)).toString("base64")}) format("woff2")`,
    );
  }
  return katexText;
}

/** The slides' own script and style. */
export const revealAssets = {
  script: asset("reveal.js", "dist/reveal.js"),
  style: asset("reveal.js", "dist/reveal.css"),
} as const;
