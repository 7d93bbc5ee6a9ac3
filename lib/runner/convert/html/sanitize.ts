/** Leaves of a notebook's HTML what shows something, and nothing that runs, loads, or covers the page. */
import type { Element, Nodes, Root } from "hast";
import { fromHtml } from "hast-util-from-html";
import { defaultSchema, type Schema, sanitize } from "hast-util-sanitize";
import { toHtml } from "hast-util-to-html";
import { svgDataUri } from "./svg.ts";

const schema: Schema = {
  ...defaultSchema,
  // Identifiers stay, so that links inside of the page work; names, which shadow properties of the document, go.
  clobber: [],
  clobberPrefix: "",
  tagNames: [
    ...(defaultSchema.tagNames ?? []),
    ...[
      "abbr",
      "audio",
      "button",
      "caption",
      "center",
      "cite",
      "col",
      "colgroup",
      "dfn",
      "figcaption",
      "figure",
      "font",
    ],
    ...["label", "mark", "meter", "nav", "output", "progress", "section", "small", "time", "u", "video", "wbr"],
  ],
  attributes: {
    ...defaultSchema.attributes,
    "*": [
      ...(defaultSchema.attributes?.["*"] ?? []).filter((name) => name !== "name"),
      ...["className", "id", "style", "title", "lang", "dir", "role", "colSpan", "rowSpan", "align", "width", "height"],
      ...["ariaLabel", "ariaHidden"],
    ],
    a: ["href", "title", "className", "id", "style"],
    audio: ["controls", "src", "loop"],
    video: ["controls", "src", "loop", "muted", "poster", "width", "height"],
    source: ["src", "srcSet", "sizes", "media", "type"],
    details: ["open"],
    font: ["color", "size"],
    img: ["src", "srcSet", "sizes", "alt", "title", "width", "height", "className", "style"],
    input: [["type", "checkbox", "radio"], ["disabled", true], "checked"],
    meter: ["value", "min", "max", "low", "high", "optimum"],
    ol: ["start", "type", "reversed"],
    progress: ["value", "max"],
    td: ["colSpan", "rowSpan", "align", "className", "style", "id"],
    th: ["colSpan", "rowSpan", "align", "scope", "className", "style", "id"],
  },
  protocols: {
    href: ["http", "https", "mailto"],
    src: ["http", "https", "data"],
    poster: ["http", "https", "data"],
    cite: ["http", "https"],
  },
  required: { input: { disabled: true } },
  strip: ["script", "style", "title", "template", "noscript", "object", "embed"],
};

/** Style properties that change how an element looks and not where on the page it is. */
const safeProperty =
  /^(color|background|background-color|text-(align|decoration|indent|transform)|font(-(family|size|style|weight|variant))?|line-height|letter-spacing|vertical-align|white-space|(min-|max-)?(width|height)|(margin|padding|border)(-(left|right|top|bottom|color|style|width|radius|collapse|spacing))*|display|gap|flex(-(wrap|direction|grow))?|align-items|justify-content|grid-template-columns|overflow(-[xy])?|opacity|list-style-type)$/;

/** Characters that could hide something from this check. */
const unsafeValue = /[\\@<>{}]|\/\*/;

/** The functions that a value may use. None of them loads anything, as url(), image-set() or cross-fade() would. */
const safeFunctions = new Set(
  `rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix calc min max clamp minmax repeat fit-content linear-gradient
   radial-gradient conic-gradient repeating-linear-gradient repeating-radial-gradient repeating-conic-gradient`.split(
    /\s+/,
  ),
);

/**
 * Classes that say what a part of the page itself is. Notebooks have some of them, too, such as the `toc` of nbextensions' tables of contents,
 * and mean something else.
 */
const ofThePage = new Set(
  "about anchor bar cell code copy count figure hidden-part input live no-toc outputs page picture skip static theme toc took unknown".split(
    " ",
  ),
);

/**
 * Cleans a piece of HTML.
 *
 * @param html The HTML.
 * @param place What is done to its pictures, sounds and films first.
 */
export function sanitizeHtml(html: string, place?: (tree: Root) => void): string {
  const tree = fromHtml(html, { fragment: true });
  place?.(tree);
  prepare(tree);
  return toHtml(sanitize(tree, schema) as Root, { allowDangerousHtml: false });
}

/** True where HTML shows something at all once it is cleaned: an element that needed its script shows nothing. */
export function showsSomething(html: string): boolean {
  const text = html.replace(/<[^>]*>/g, "").trim();
  return text !== "" || /<(img|video|audio|table|hr|progress|meter|input)\b/.test(html);
}

/**
 * Filters styles, and turns what would be lost into what can stay: drawings into images, frames into links, names that links lead to
 * into ids.
 */
function prepare(node: Nodes): void {
  if (!("children" in node)) {
    return;
  }
  node.children = (node.children as Nodes[]).flatMap((child) => {
    if (child.type !== "element") {
      return child;
    }
    if (child.tagName === "input") {
      child.properties.type = String(child.properties.type).toLowerCase();
      // Of what else one could enter something into, nothing is left.
      if (!/^(checkbox|radio)$/.test(child.properties.type)) {
        return [];
      }
    }
    if (child.tagName === "svg") {
      return svgImage(child);
    }
    if (child.tagName === "iframe") {
      return frameLink(child);
    }
    if (child.tagName === "a" && child.properties.name !== undefined) {
      child.properties.id ??= child.properties.name;
    }
    const { className } = child.properties;
    if (Array.isArray(className)) {
      child.properties.className = className.filter((name) => !ofThePage.has(String(name)));
    }
    if (child.properties.style !== undefined) {
      child.properties.style = safeStyle(String(child.properties.style));
    }
    prepare(child);
    return child;
  }) as typeof node.children;
}

function safeStyle(style: string): string {
  return style
    .split(";")
    .map((declaration) => declaration.trim())
    .filter((declaration) => {
      const colon = declaration.indexOf(":");
      const property = declaration.slice(0, colon).trim().toLowerCase();
      const value = declaration.slice(colon + 1);
      return colon > 0 && safeProperty.test(property) && !unsafeValue.test(value) && callsOnlySafe(value);
    })
    .join("; ");
}

function callsOnlySafe(value: string): boolean {
  return [...value.matchAll(/([\w-]*)\s*\(/g)].every(
    ([, name = ""]) => name === "" || safeFunctions.has(name.toLowerCase()),
  );
}

/** An inline drawing as an image: scripts in it cannot run there. */
function svgImage(svg: Element): Element {
  const { width, height, ariaLabel } = svg.properties;
  const text = toHtml(
    { ...svg, properties: { ...svg.properties, xmlns: "http://www.w3.org/2000/svg" } },
    { space: "svg" },
  );
  return {
    type: "element",
    tagName: "img",
    properties: {
      src: svgDataUri(text),
      alt: typeof ariaLabel === "string" ? ariaLabel : "Drawing",
      ...(isLength(width) && { width }),
      ...(isLength(height) && { height }),
    },
    children: [],
  };
}

function isLength(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && /^\d+(\.\d+)?%?$/.test(value));
}

function frameLink(frame: Element): Element {
  const src = String(frame.properties.src ?? "");
  return {
    type: "element",
    tagName: "a",
    properties: { href: src },
    children: src === "" ? [] : [{ type: "text", value: `Embedded page: ${src}` }],
  };
}
