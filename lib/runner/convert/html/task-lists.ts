/** Tasks: `- [ ] open` and `- [x] done` as list items with a box, ticked or not, which nobody can change. */
import type { MarkdownIt } from "markdown-it";

const marker = /^\[([ x])\](?:[ \t]+|(?=\n)|$)/i;

/** Makes tasks of list items whose text begins with a marker, as nbconvert and Jupyter do. */
export function taskLists(md: MarkdownIt): void {
  // Before inline text is parsed: an escaped marker still has its backslash, and none can have become a link.
  md.core.ruler.before("inline", "task_lists", (state) => {
    state.tokens.forEach((inline, index) => {
      const [item, paragraph] = state.tokens.slice(Math.max(0, index - 2), index);
      if (inline.type !== "inline" || item?.type !== "list_item_open" || paragraph?.type !== "paragraph_open") {
        return;
      }
      const [whole, mark] = marker.exec(inline.content) ?? [];
      if (whole === undefined) {
        return;
      }
      item.attrJoin("class", "task-list-item");
      inline.content = inline.content.slice(whole.length);
      const box = new state.Token("html_inline", "", 0);
      box.content = `<input class="task-list-item-checkbox" type="checkbox" disabled${mark === " " ? "" : " checked"}>`;
      // What inline text is parsed into comes behind it.
      inline.children = [box];
    });
  });
}
