/** The package has no types of its own. */
declare module "markdown-it-deflist" {
  import type { MarkdownIt } from "markdown-it";

  /** Makes definition lists of terms with lines behind them that begin with `: `. */
  export default function definitionLists(md: MarkdownIt): void;
}
