/**
 * `npm run site [-- --notebooks FOLDER --out FOLDER --serve]`: the site, as static pages in out/site. The guides are here, in `guides/`; the notebooks
 * are executed (or taken from FOLDER, where they were), the reference is made of the sources' doc comments.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = join(here, "../..");
const content = join(here, "content");
const { values } = parseArgs({
  options: { notebooks: { type: "string" }, out: { type: "string" }, serve: { type: "boolean" } },
});

/** Runs a program of Node's, its output shown. Of what it makes little lives long: with room for that a fifth of the time is saved. */
function run(file, args, cwd = repository) {
  execFileSync(process.execPath, ["--max-semi-space-size=128", file, ...args], { cwd, stdio: "inherit" });
}

// What makes the site is its own matter: the repository's `npm ci` does not fetch it.
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
if (
  Object.keys({ ...dependencies, ...devDependencies }).some((name) => !existsSync(join(here, "node_modules", name)))
) {
  console.log("Installing VitePress and TypeDoc in lib/site");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: here,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
}
rmSync(content, { recursive: true, force: true });
mkdirSync(content);
cpSync(join(here, "index.md"), join(content, "index.md"));
mkdirSync(join(content, "public"));
cpSync(join(repository, "lib/kernel/kernelspec/logo-svg.svg"), join(content, "public/logo.svg"));
cpSync(join(repository, "notebooks/figures/walkthrough.png"), join(content, "public/walkthrough.png"));
cpSync(join(here, "guides"), join(content, "guides"), { recursive: true });

const packages = await writeReference();
const notebooks = await writeNotebooks();
writeFileSync(join(content, "contents.json"), JSON.stringify({ notebooks, packages }));
const vitepress = join(here, "node_modules/vitepress/bin/vitepress.js");
const out = resolve(values.out ?? join(repository, "out/site"));
run(vitepress, ["build", "--outDir", out], here);
console.log(`The site is in ${out}`);
if (values.serve) {
  run(vitepress, ["preview", "--host", "127.0.0.1", "--outDir", out], here);
}

/** The notebooks, executed: a page of each in the site's frame, and the runner's own page, with live figures, beside it. */
async function writeNotebooks() {
  const { readNotebook, toHtml, toMarkdown } = await import("nbconvert-ts-runner");
  const sources = readdirSync(join(repository, "notebooks")).filter((file) => /^[^.].*\.ipynb$/.test(file));
  let executed = values.notebooks && resolve(values.notebooks);
  if (!executed) {
    executed = join(repository, "out/site-notebooks");
    const command = join(repository, "lib/runner/bin/nbconvert-ts-runner.mjs");
    run(command, [
      "notebooks",
      "--fast",
      "--output-dir",
      executed,
      "--cache",
      join(repository, "out/site-notebooks-cache"),
    ]);
  }
  mkdirSync(join(content, "public/pages"), { recursive: true });
  mkdirSync(join(content, "notebooks"), { recursive: true });
  const written = [];
  for (const file of sources) {
    const path = join(executed, file);
    if (!existsSync(path)) {
      throw new Error(`${path} is not there: ${executed} must have each notebook of notebooks/, executed`);
    }
    const name = file.slice(0, -".ipynb".length);
    const { notebook } = readNotebook(path);
    writeFileSync(join(content, "public/pages", `${name}.html`), await toHtml(notebook, { baseFolder: dirname(path) }));
    const { text, files } = toMarkdown(withLinks(notebook, name), { filesFolder: `../public/notebooks/${name}` });
    for (const { path: to, data } of files) {
      const target = join(content, "notebooks", to);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, data);
    }
    const page = text.replaceAll(`../public/notebooks/`, "/notebooks/").replaceAll("```typescript", "```ts");
    const title = String(notebook.metadata.title ?? /^# (.*)/m.exec(text)?.[1] ?? name);
    writeFileSync(
      join(content, "notebooks", `${name}.md`),
      `---\ntitle: ${JSON.stringify(title)}\n---\n\n${asStatic(page)}`,
    );
    written.push({ name, title: `${name.slice(0, 2)} ${title}` });
  }
  const list = written.map(
    ({ name, title }) => `- [${title}](./${name}) ([executed page](/pages/${name}.html){:target="_self":})`,
  );
  writeFileSync(
    join(content, "notebooks/index.md"),
    `# Notebooks\n\nThe walkthroughs, as continuous integration executes them: with their fast parameters, fewer images and steps than the tables in the text are of. ` +
      `Each stands here with its figures as pictures, and as a page of its own with figures that answer to the mouse.\n\n${list.join("\n")}\n`,
  );
  return written;
}

/** The notebook with a link behind each code cell that shows a figure, to the same cell of the executed page. */
function withLinks(notebook, name) {
  const cells = notebook.cells.flatMap((cell) => {
    const isFigure = (cell.outputs ?? []).some(({ data = {} }) => "image/png" in data || "image/svg+xml" in data);
    const source = `[this cell in the executed page](/pages/${name}.html#cell-${cell.id}){:target="_self" .to-cell:}`;
    return isFigure ? [cell, { cell_type: "markdown", id: `${cell.id}-link`, metadata: {}, source }] : [cell];
  });
  return { ...notebook, cells };
}

/** Markdown whose braces VitePress leaves alone: outside of code, `{{` would be an expression. */
function asStatic(markdown) {
  return markdown.replaceAll("{{", "&#123;&#123;");
}

/** The reference: a folder of pages for each package, by TypeDoc. */
async function writeReference() {
  const names = ["convbook", "kernel", "runner", "engine", "mpi", "classroom"];
  const out = join(content, "api");
  run(join(here, "node_modules/typedoc/bin/typedoc"), ["--options", join(here, "typedoc.json"), "--out", out]);
  const packages = names.map((name) => {
    const { name: title, description } = JSON.parse(
      readFileSync(join(repository, "lib", name, "package.json"), "utf8"),
    );
    const spaces = join(out, name, "namespaces");
    return { name, title, description, namespaces: existsSync(spaces) ? readdirSync(spaces).sort() : [] };
  });
  for (const { name } of packages) {
    describeUnexported(join(out, name));
  }
  const list = packages.map(({ name, title, description }) => `- [${title}](./${name}/): ${description}`);
  writeFileSync(
    join(out, "index.md"),
    `# Reference\n\nWhat each package exports, from its doc comments.\n\n${list.join("\n")}\n`,
  );
  return packages;
}

/** Says of the types that a package's exports name, and that it does not export, what they are: TypeDoc's list has no words for them. */
function describeUnexported(folder) {
  const said =
    "Types that the exports name, such as a function's options. They are here to be read, and cannot be imported.";
  const lists = [
    [join(folder, "index.md"), /(\[unexported\]\(unexported\/index\.md\) \|) -/, `$1 ${said}`],
    [join(folder, "unexported/index.md"), /^# .*$/m, `# unexported\n\n${said}`],
  ];
  for (const [path, found, replacement] of lists.filter(([file]) => existsSync(file))) {
    writeFileSync(path, readFileSync(path, "utf8").replace(found, replacement));
  }
}
