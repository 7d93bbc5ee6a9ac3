/** The command that converts notebooks. */
import { basename, dirname, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { parseJson, readNotebook, readText } from "../notebook/read.ts";
import { upgradeNotebook } from "../notebook/upgrade.ts";
import { detectStyle, serializeNotebook, writeAtomically } from "../notebook/write.ts";
import { checkOutputNames } from "../run/output-names.ts";
import { shownPath } from "../run/run-many.ts";
import { notebookPaths } from "./paths.ts";

interface ConvertFlags {
  readonly to: "html" | "markdown" | "script" | "slides" | "notebook";
  readonly outputDir?: string;
  readonly scripts: "bundled" | "cdn" | "none";
  readonly theme: "auto" | "light" | "dark";
  readonly toc: boolean;
  readonly input: boolean;
  readonly sanitize: boolean;
  readonly remoteImages?: boolean;
  readonly title?: string;
  readonly embed?: boolean;
  readonly stdout?: boolean;
}

const examples = `
Examples:
  $ nbconvert-ts-runner convert --to html notebook.ipynb          one page that needs nothing else
  $ nbconvert-ts-runner convert --to slides talk.ipynb -o out     slides, shown by reveal.js
  $ nbconvert-ts-runner convert --to script notebook.ipynb --stdout
  $ nbconvert-ts-runner convert --to notebook old.ipynb -o new    nbformat 3 and 4.0-4.4 become 4.5`;

export function addConvertCommand(program: Command): void {
  program
    .command("convert")
    .description("convert notebooks with the outputs that they have")
    .argument("<notebooks...>", "notebooks, folders or patterns")
    .addOption(
      new Option("--to <format>", "what to make of them")
        .choices(["html", "markdown", "script", "slides", "notebook"])
        .default("html"),
    )
    .option("-o, --output-dir <folder>", "where to write (default: beside each notebook)")
    .addOption(
      new Option("--scripts <where>", "html, slides: scripts of figures in the page, from a CDN, or none")
        .choices(["bundled", "cdn", "none"])
        .default("bundled"),
    )
    .addOption(new Option("--theme <name>", "html, slides: colours").choices(["auto", "light", "dark"]).default("auto"))
    .option("--title <text>", "html, slides: the page's title")
    .option("--no-toc", "html: no table of contents")
    .option("--no-input", "html, slides: outputs only")
    .option("--no-sanitize", "html, slides: leave scripts in outputs alone; only for notebooks that you trust")
    .option("--remote-images", "html, slides: the page may load pictures from addresses when it is opened")
    .option("--embed", "markdown: pictures in the document and not beside it")
    .option("--stdout", "print the result and write no file")
    .addHelpText("after", examples)
    .action(async (notebooks: string[], flags: ConvertFlags) => {
      const paths = await notebookPaths(notebooks);
      if (!flags.stdout) {
        // Without the ending, which the language of a script decides: pictures go to a folder of this name, too.
        checkOutputNames(paths, (path) => join(folderOf(path, flags), stemOf(path)));
      }
      for (const path of paths) {
        await convert(path, flags);
      }
    });
}

function folderOf(path: string, flags: ConvertFlags): string {
  return resolve(flags.outputDir ?? dirname(path));
}

function stemOf(path: string): string {
  return basename(path).replace(/\.ipynb$/, "");
}

async function convert(path: string, flags: ConvertFlags): Promise<void> {
  const folder = folderOf(path, flags);
  const stem = stemOf(path);
  const { text, name, files = [] } = await converted(path, stem, flags);
  if (flags.stdout) {
    process.stdout.write(text);
    return;
  }
  for (const file of files) {
    writeAtomically(join(folder, file.path), file.data);
  }
  writeAtomically(join(folder, name), text);
  process.stdout.write(`${shownPath(join(folder, name))}\n`);
}

interface Converted {
  readonly text: string;
  readonly name: string;
  readonly files?: readonly { readonly path: string; readonly data: Buffer }[];
}

async function converted(path: string, stem: string, flags: ConvertFlags): Promise<Converted> {
  if (flags.to === "notebook") {
    const text = readText(path);
    return {
      text: serializeNotebook(upgradeNotebook(parseJson(text, path), path), detectStyle(text)),
      name: `${stem}.ipynb`,
    };
  }
  const { notebook } = readNotebook(path);
  const onWarning = (message: string) => process.stderr.write(`${shownPath(path)}: warning: ${message}\n`);
  const pageOptions = { ...flags, name: stem, baseFolder: dirname(resolve(path)), onWarning };
  switch (flags.to) {
    case "html": {
      const { toHtml } = await import("../convert/html/to-html.ts");
      return { text: await toHtml(notebook, pageOptions), name: `${stem}.html` };
    }
    case "slides": {
      const { toSlides } = await import("../convert/html/to-slides.ts");
      return { text: await toSlides(notebook, pageOptions), name: `${stem}.slides.html` };
    }
    case "markdown": {
      const { toMarkdown } = await import("../convert/markdown.ts");
      const { text, files } = toMarkdown(notebook, {
        filesFolder: flags.embed || flags.stdout ? undefined : `${stem}_files`,
      });
      return { text, files, name: `${stem}.md` };
    }
    case "script": {
      const { toScript } = await import("../convert/script.ts");
      const { text, extension } = toScript(notebook);
      return { text, name: `${stem}${extension}` };
    }
  }
}
