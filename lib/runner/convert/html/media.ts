/** The pictures, sounds and films in a notebook's HTML: those of its folder and its attachments are put into the page. */
import type { Element, ElementContent, Nodes, Root } from "hast";
import { fromHtml } from "hast-util-from-html";
import type { MimeBundle } from "../../notebook/types.ts";
import { joinLines } from "../../notebook/types.ts";
import { escapeHtml } from "./escape.ts";
import { addressKind, cleanAddress, decodePercent, readNotebookFile } from "./notebook-files.ts";
import { svgDataUri } from "./svg.ts";

export type Attachments = Readonly<Record<string, MimeBundle>>;

export interface MediaOptions {
  /** Folder whose files may be put into the page; undefined puts in none. */
  readonly baseFolder: string | undefined;
  /** Whether what is at an address may be fetched when the page is opened. */
  readonly remote: boolean;
  /** Is told once of each file that is not put into the page, and why. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** All files of a page together; a string of a page's size has an end, too. */
const largestTotal = 256 * 2 ** 20;

/** What an element inside of a film or a drawing would have loaded, for the one that it is in. */
const lostBy = new WeakMap<Element, string>();

/** The words for a picture in whose place an element stands. */
const wordsOf = new WeakMap<Element, string>();

/** The attributes that make an element load something, by the element. */
const loading: Readonly<Record<string, readonly string[]>> = {
  img: ["src", "srcSet"],
  source: ["src", "srcSet"],
  video: ["src", "poster"],
  audio: ["src"],
  image: ["href", "xLinkHref"],
};

/** Puts a page's pictures, sounds and films in their place. */
export class Media {
  readonly #options: MediaOptions;
  readonly #files = new Map<string, string | undefined>();
  #total = 0;

  constructor(options: MediaOptions) {
    this.#options = options;
  }

  /**
   * Changes a tree so that it loads nothing but what it holds, and what may be fetched. In the place of a picture that is not loaded
   * stands its text with its address.
   */
  place(tree: Root, attachments: Attachments = {}): void {
    this.#placeIn(tree, attachments, false);
  }

  /** Puts what is local into HTML and changes no other character of it. */
  embed(html: string, attachments: Attachments = {}): string {
    if (!/<(?:img|image|source|video|audio)\b/i.test(html)) {
      return html;
    }
    const edits: { readonly from: number; readonly to: number; readonly text: string }[] = [];
    const visit = (node: Nodes) => {
      if (node.type === "element") {
        for (const name of loading[node.tagName] ?? []) {
          const at = (node.data as { position?: { properties?: Record<string, Place> } } | undefined)?.position
            ?.properties?.[name];
          const value = node.properties[name];
          const known = this.#embedded(name, value, attachments);
          if (at !== undefined && known !== undefined && known !== value) {
            const written = name === "xLinkHref" ? "xlink:href" : name.toLowerCase();
            edits.push({
              from: at.start.offset,
              to: at.end.offset,
              text: `${written}="${escapeHtml(known)}"`,
            });
          }
        }
      }
      ("children" in node ? node.children : []).forEach(visit);
    };
    visit(fromHtml(html, { fragment: true, verbose: true }));
    let result = "";
    let from = 0;
    for (const edit of edits.sort((a, b) => a.from - b.from)) {
      result += html.slice(from, edit.from) + edit.text;
      from = edit.to;
    }
    return result + html.slice(from);
  }

  /** The value of an attribute with what is local put in. */
  #embedded(name: string, value: unknown, attachments: Attachments): string | undefined {
    if (typeof value !== "string" && !Array.isArray(value)) {
      return undefined;
    }
    return name === "srcSet"
      ? candidates(value)
          .map(({ address, size }) => `${this.#data(address, attachments) ?? address} ${size}`.trim())
          .join(", ")
      : this.#data(String(value), attachments);
  }

  #placeIn(parent: Root | Element, attachments: Attachments, inLink: boolean): void {
    parent.children = (parent.children as ElementContent[]).flatMap((child) => {
      if (child.type !== "element") {
        return [child];
      }
      const link = inLink || child.tagName === "a";
      this.#placeIn(child, attachments, link);
      return this.#placed(child, attachments, link);
    }) as typeof parent.children;
  }

  /** What stands in the place of an element whose children are placed already. */
  #placed(element: Element, attachments: Attachments, inLink: boolean): ElementContent[] {
    const { tagName, properties } = element;
    if (tagName === "svg") {
      return [element, ...leftOutOf(element, inLink)];
    }
    const lost: string[] = [];
    for (const name of loading[tagName] ?? []) {
      const value = properties[name];
      if (value === undefined || value === null) {
        continue;
      }
      const kept =
        name === "srcSet"
          ? this.#keptOf(value, attachments, lost)
          : this.#kept(String(value), attachments, lost, this.#options.remote && tagName !== "image");
      if (kept === undefined) {
        delete properties[name];
      } else {
        properties[name] = kept;
      }
    }
    switch (tagName) {
      case "img":
        return isLoaded(element) || lost[0] === undefined
          ? [element]
          : [notLoaded(text(properties.alt) || "Picture", lost[0], inLink, properties)];
      case "source":
      case "image":
        if (lost[0] !== undefined) {
          lostBy.set(element, lost[0]);
        }
        return [element];
      case "picture":
        return [pictureOf(element)];
      case "video":
      case "audio": {
        const address = properties.src === undefined ? (lost[0] ?? lostBelow(element)) : undefined;
        removeEmptySources(element);
        return address === undefined || isLoaded(element)
          ? [element]
          : [
              notLoaded(
                text(properties.title) || (tagName === "video" ? "Film" : "Sound"),
                address,
                inLink,
                properties,
              ),
            ];
      }
      default:
        return [element];
    }
  }

  /** The address that may stay, or the data that take its place. What may not is added to `lost`. */
  #kept(value: string, attachments: Attachments, lost: string[], remote: boolean): string | undefined {
    const address = cleanAddress(value);
    const known = this.#data(value, attachments);
    if (known !== undefined || addressKind(address) === "empty") {
      return known ?? value;
    }
    if (remote) {
      return written(address);
    }
    lost.push(address);
    return undefined;
  }

  #keptOf(value: unknown, attachments: Attachments, lost: string[]): string | undefined {
    const kept = candidates(value).flatMap(({ address, size }) => {
      const one = this.#kept(address, attachments, lost, this.#options.remote);
      return one === undefined ? [] : [`${one} ${size}`.trim()];
    });
    return kept.length === 0 ? undefined : kept.join(", ");
  }

  /** The data of an address that is in the page already, in the folder or among the attachments. */
  #data(value: string, attachments: Attachments): string | undefined {
    const address = cleanAddress(value);
    if (/^attachment:/i.test(address)) {
      return this.#attachment(address, attachments);
    }
    const kind = addressKind(address);
    const { baseFolder } = this.#options;
    if (kind === "local" && baseFolder !== undefined) {
      return this.#file(address, baseFolder);
    }
    if (kind === "other") {
      this.#warn(address, "is no address that a page may show");
    }
    return kind === "data" ? address : undefined;
  }

  #file(address: string, folder: string): string | undefined {
    if (!this.#files.has(address)) {
      const file = readNotebookFile(address, folder);
      this.#files.set(address, "data" in file ? file.data : undefined);
      if ("problem" in file) {
        this.#warn(address, file.problem);
      }
    }
    const data = this.#files.get(address);
    if (data !== undefined && this.#total + data.length > largestTotal) {
      this.#warn(address, "is left out: the page holds as much as a page can");
      return undefined;
    }
    this.#total += data?.length ?? 0;
    return data;
  }

  #attachment(address: string, attachments: Attachments): string | undefined {
    const name = address.slice("attachment:".length);
    const own = attachments ?? {};
    const key = [name, decodePercent(name)].find((each) => Object.hasOwn(own, each));
    const shown = Object.entries((key === undefined ? undefined : own[key]) ?? {}).find(([type]) =>
      /^(?:image|video|audio)\/[\w.+-]+$/.test(type),
    );
    if (shown === undefined) {
      this.#warn(address, "is not among the cell's attachments");
      return undefined;
    }
    const [type, value] = shown;
    const content = joinLines(value);
    return type === "image/svg+xml" && content.trimStart().startsWith("<")
      ? svgDataUri(content)
      : `data:${type};base64,${content.replace(/[^A-Za-z0-9+/=]/g, "")}`;
  }

  readonly #warned = new Set<string>();

  #warn(address: string, problem: string): void {
    if (!this.#warned.has(address)) {
      this.#warned.add(address);
      // As JSON: the notebook may have put anything there.
      const shown = address.length > 200 ? `${address.slice(0, 200)}…` : address;
      this.#options.onWarning?.(`${JSON.stringify(shown)}, which the text shows, ${problem}`);
    }
  }
}

interface Place {
  readonly start: { readonly offset: number };
  readonly end: { readonly offset: number };
}

/** The candidates of a `srcset`; the tree has them as text, or as a list of texts. */
function candidates(value: unknown): { address: string; size: string }[] {
  const whole = Array.isArray(value) ? value.join(", ") : String(value);
  return [...whole.matchAll(/[\s,]*(\S*[^\s,])(?:\s+([^,]+))?\s*(?:,|$)/g)].map(([, address = "", size = ""]) => ({
    address,
    size: size.trim(),
  }));
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

function isLoaded({ properties, children }: Element): boolean {
  return (
    properties.src !== undefined ||
    properties.srcSet !== undefined ||
    children.some((child) => child.type === "element" && child.tagName === "source")
  );
}

function elementsOf(parent: Element): Element[] {
  return parent.children.flatMap((child) => (child.type === "element" ? [child] : []));
}

function lostBelow(element: Element): string | undefined {
  return elementsOf(element)
    .map((child) => lostBy.get(child))
    .find((address) => address !== undefined);
}

function removeEmptySources(element: Element): void {
  element.children = element.children.filter(
    (child) => child.type !== "element" || child.tagName !== "source" || isLoaded(child),
  );
}

/** A picture shows the first of its sources that can be shown, or its `img`. */
function pictureOf(picture: Element): Element {
  removeEmptySources(picture);
  const sources = elementsOf(picture).filter(({ tagName }) => tagName === "source");
  const own = elementsOf(picture).find((child) => wordsOf.has(child));
  if (own === undefined) {
    return picture;
  }
  if (sources.length === 0) {
    return own;
  }
  const alt = wordsOf.get(own);
  return { ...picture, children: [...sources, { type: "element", tagName: "img", properties: { alt }, children: [] }] };
}

/** The pictures in a drawing that are not loaded: a drawing is shown as a picture, which loads nothing at all. */
function leftOutOf(svg: Element, inLink: boolean): Element[] {
  return elementsOf(svg).flatMap((child) => {
    const address = lostBy.get(child);
    return address === undefined
      ? leftOutOf(child, inLink)
      : [notLoaded("Picture in the drawing", address, inLink, {})];
  });
}

/** An address with its scheme, which a page that is a file needs, in the spelling that the cleaning knows. */
function written(address: string): string {
  return /^[\\/]{2}/.test(address)
    ? `https:${address.replaceAll("\\", "/")}`
    : address.replace(/^[a-z][a-z0-9+.-]*:/i, (scheme) => scheme.toLowerCase());
}

/** Words in the place of what is not loaded, with the address as a link where there may be one. */
function notLoaded(words: string, address: string, inLink: boolean, { title }: Element["properties"]): Element {
  const shown = address.length > 200 ? `${address.slice(0, 200)}…` : address;
  const content: ElementContent = { type: "text", value: shown };
  const href = written(address);
  const element: Element = {
    type: "element",
    tagName: "span",
    properties: { className: ["not-loaded"], title: text(title) || "Not loaded: it is not in this page" },
    children: [
      { type: "text", value: `${words} (` },
      inLink ? content : { type: "element", tagName: "a", properties: { href }, children: [content] },
      { type: "text", value: ")" },
    ],
  };
  wordsOf.set(element, words);
  return element;
}
