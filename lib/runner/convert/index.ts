export { type HtmlOptions, toHtml } from "./html/index.ts";
