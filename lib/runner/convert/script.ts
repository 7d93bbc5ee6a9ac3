/** A notebook as a script: the code, with its text as comments. */
import { joinLines, type Notebook, tagsOf } from "../notebook/types.ts";
import { notebookLanguage } from "./html/render-cells.ts";
import { withoutMagics } from "./script-magics.ts";

/** Line comments and file endings of languages whose scripts are written here. */
const languages: Readonly<Record<string, { comment: string; extension: string }>> = {
  typescript: { comment: "//", extension: ".ts" },
  javascript: { comment: "//", extension: ".js" },
  python: { comment: "#", extension: ".py" },
  r: { comment: "#", extension: ".r" },
  julia: { comment: "#", extension: ".jl" },
  bash: { comment: "#", extension: ".sh" },
  ruby: { comment: "#", extension: ".rb" },
  rust: { comment: "//", extension: ".rs" },
  go: { comment: "//", extension: ".go" },
  java: { comment: "//", extension: ".java" },
  "c++": { comment: "//", extension: ".cpp" },
};

export interface ScriptResult {
  readonly text: string;
  /** With its dot. */
  readonly extension: string;
}

/** Converts a notebook to a script. What only a kernel understands becomes comments. */
export function toScript(notebook: Notebook): ScriptResult {
  const language = notebookLanguage(notebook);
  const known = languages[language];
  const comment = known?.comment ?? "#";
  const declared = notebook.metadata.language_info?.file_extension;
  const extension = known?.extension ?? (typeof declared === "string" && /^\.\w+$/.test(declared) ? declared : ".txt");
  const asComment = (text: string) =>
    text
      .split("\n")
      .map((line) => `${comment} ${line}`.trimEnd())
      .join("\n");
  const parts = notebook.cells.flatMap((cell) => {
    const source = joinLines(cell.source).trimEnd();
    if (source === "" || tagsOf(cell).includes("remove-cell")) {
      return [];
    }
    if (cell.cell_type !== "code") {
      return cell.cell_type === "markdown" ? [asComment(source)] : [];
    }
    return [`${comment} In[${cell.execution_count ?? " "}]:\n${withoutMagics(source, language, comment)}`];
  });
  return { text: `${parts.join("\n\n")}\n`, extension };
}
