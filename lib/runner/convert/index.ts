export { type HtmlOptions, toHtml } from "./html/to-html.ts";
export { toSlides } from "./html/to-slides.ts";
export { type ConvertedFile, type MarkdownOptions, type MarkdownResult, toMarkdown } from "./markdown.ts";
export { type ScriptResult, toScript } from "./script.ts";
