export { type HtmlOptions, toHtml } from "./to-html.ts";
