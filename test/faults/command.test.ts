/** The command as it is used day by day: parameters, comparison, cache, reports, conversion, clean notebooks. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  type CellLike,
  hasJupyter,
  kernelDir,
  notebookJson,
  python,
  runCommand,
  temporaryFolder,
  writeNotebook,
} from "./support.ts";

const { path: folder, remove } = temporaryFolder();
afterAll(remove);

const write = (name: string, cells: readonly CellLike[], metadata: object = {}) =>
  writeNotebook(folder, name, cells, "convbook", metadata);
const run = (...args: string[]) => runCommand([...args, "--kernel-dir", kernelDir], { cwd: folder });
const textOf = (path: string) =>
  (JSON.parse(readFileSync(path, "utf8")).cells as { outputs?: { text?: string[] }[] }[])
    .flatMap((cell) => cell.outputs ?? [])
    .flatMap((output) => output.text ?? [])
    .join("");

describe("the command", () => {
  test("parameters from the command line, a file, and the notebook's own fast ones", async () => {
    const path = write(
      "parameters.ipynb",
      [{ source: "let n: number = 1;\nlet name = 'a';", tags: ["parameters"] }, "console.log(n, name);"],
      {
        runner: { fast: { n: 2 } },
      },
    );
    writeFileSync(join(folder, "p.yaml"), "n: 3\nname: from the file\n");
    const out = join(folder, "out/parameters.ipynb");
    expect((await run(path, "-o", "out", "-f", "p.yaml", "-p", "n", "-4")).code).toBe(0);
    expect(textOf(out)).toBe("-4 from the file\n");
    const base64 = Buffer.from("n: 5\nname: in Base64").toString("base64");
    expect((await run(path, "-o", "out", "--parameters_yaml", "{n: 6.0}", "-b", base64)).code).toBe(0);
    expect(textOf(out)).toBe("6 in Base64\n");
    expect((await run(path, "-o", "out", "--fast")).code).toBe(0);
    expect(textOf(out)).toBe("2 a\n");
    const wrong = await run(path, "-o", "out", "-p", "nn", "4");
    expect([wrong.code, wrong.stdout]).toEqual([
      2,
      expect.stringContaining('has no parameter "nn"; did you mean "n"?'),
    ]);
  });

  test("a comparison tells what differs, within tolerances, and --update takes it over", async () => {
    const path = write("check.ipynb", ["console.log('loss', 0.5);\nconsole.log('took', Date.now() % 7, 'ms')"]);
    expect((await run(path)).code).toBe(0);
    const stored = readFileSync(path, "utf8")
      .replace("loss 0.5", "loss 0.5001")
      .replace(/took \d ms/, "took 9 ms");
    writeFileSync(path, stored);
    const strict = await run(path, "--check");
    expect(strict.code).toBe(3);
    expect(strict.stdout).toContain("-loss 0.5001");
    expect(strict.stdout).toContain("+loss 0.5");
    expect(readFileSync(path, "utf8")).toBe(stored);
    expect((await run(path, "--check", "--rtol", "0.01", "--sanitize", "times")).code).toBe(0);
    const updated = await run(path, "--check", "--update");
    expect([updated.code, updated.stdout]).toEqual([0, expect.stringContaining("outputs updated")]);
    expect(textOf(path)).toContain("loss 0.5\n");
  });

  test("a number outside of its band fails its cell", async () => {
    const path = write("expect.ipynb", [
      { source: "console.log('accuracy: 0.4')", metadata: { runner: { expect: { accuracy: "0.62 ± 0.03" } } } },
      "1",
    ]);
    const result = await run(path);
    expect(result.code).toBe(3);
    expect(result.stdout).toContain("ExpectationMissed: accuracy: expected 0.62 ± 0.03, got 0.4");
  });

  test("several notebooks at a time, with every report", async () => {
    write("many-a.ipynb", ["console.log('a')"]);
    write("many-b.ipynb", [
      { source: "throw new Error('b | <b>')", metadata: { name: "breaks" } },
      "console.log('never')",
    ]);
    const result = await run(
      "many-*.ipynb",
      "--jobs",
      "2",
      "-o",
      "out",
      "--html",
      "pages",
      "--json",
      "r.json",
      "--summary",
      "s.md",
      "--junit",
      "j.xml",
      "--github",
      "--slowest",
      "1",
    );
    expect(result.code).toBe(1);
    expect(result.stdout).toContain("2 notebooks: 1 passed, 1 failed");
    expect(result.stdout).toContain("Slowest cells:");
    expect(result.stdout).toMatch(
      /^::error file=many-b\.ipynb,line=\d+,title=many-b\.ipynb%2C cell 1%2C line 1::Error: b \| <b>/m,
    );
    expect(JSON.parse(readFileSync(join(folder, "r.json"), "utf8")).notebooks).toMatchObject([
      { path: "many-a.ipynb", status: "passed", cells: [{ status: "passed" }] },
      {
        path: "many-b.ipynb",
        status: "failed",
        cells: [{ name: "breaks", failure: { name: "Error", line: 1 } }, { status: "not-run" }],
      },
    ]);
    const summary = readFileSync(join(folder, "s.md"), "utf8");
    expect(summary).toContain("| ❌ failed | many-b.ipynb | 0/2 |");
    expect(summary).toContain("### many-b.ipynb, cell 1, line 1: `breaks`");
    const junit = readFileSync(join(folder, "j.xml"), "utf8");
    expect(junit).toContain('<testsuites name="notebooks" tests="3" failures="1" errors="0" skipped="1"');
    expect(junit).toContain('name="cell 1: breaks"');
    expect(junit).toContain('message="Error: b | &lt;b&gt;"');
    expect(existsSync(join(folder, "pages/many-a.html")) && existsSync(join(folder, "pages/many-b.html"))).toBe(true);
  });

  test("strip and its check, through a pipe as a git filter, and validate", async () => {
    const path = write("clean.ipynb", ["console.log(1)"]);
    const before = readFileSync(path, "utf8");
    expect((await run(path, "-o", "ran")).code).toBe(0);
    const ran = join(folder, "ran/clean.ipynb");
    const text = readFileSync(ran, "utf8");
    const filtered = await runCommand(["strip", "-"], { input: text });
    const check = await runCommand(["strip", "--check", ran, path], { cwd: folder });
    expect([check.code, check.stdout]).toEqual([3, "ran/clean.ipynb has outputs or execution counts\n"]);
    expect((await runCommand(["strip", ran])).code).toBe(0);
    expect(readFileSync(ran, "utf8")).toBe(filtered.stdout);
    expect(JSON.parse(filtered.stdout).cells).toEqual(JSON.parse(before).cells);
    expect((await runCommand(["validate", path, ran])).code).toBe(0);
    writeFileSync(path, before.replace('"execution_count": null,', ""));
    const invalid = await runCommand(["validate", path], { cwd: folder });
    expect([invalid.code, invalid.stdout]).toEqual([
      6,
      expect.stringMatching(/^clean\.ipynb:3: \/cells\/0 has no "execution_count"/),
    ]);
  });

  test.runIf(hasJupyter)("a page says what nbconvert's page of the same notebook says", async () => {
    const path = join(folder, "page.ipynb");
    const outputs = [
      { output_type: "stream", name: "stdout", text: ["first line\n", '5 < 6 & "quotes"\n'] },
      {
        output_type: "display_data",
        data: { "text/html": ["<table><tr><td>cell one</td><td>0.5</td></tr></table>"], "text/plain": ["plain table"] },
        metadata: {},
      },
      {
        output_type: "display_data",
        data: {
          "image/png":
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
          "text/plain": ["<Figure>"],
        },
        metadata: {},
      },
      { output_type: "execute_result", execution_count: 1, data: { "text/plain": ["array([1, 2])"] }, metadata: {} },
      {
        output_type: "error",
        ename: "ValueError",
        evalue: "bad value",
        traceback: ["\u001b[31mValueError\u001b[0m: bad value"],
      },
    ];
    const json = notebookJson([
      {
        source:
          "# A heading\n\nSome *text* with `code`, [a link](https://example.org) and\n\n- a list\n\n| a | b |\n|---|---|\n| 1 | two |",
        type: "markdown",
      },
      "x = '<tag>'  # comment\nprint(x)",
    ]);
    Object.assign(json.cells[1] as object, { outputs, execution_count: 1 });
    writeFileSync(path, JSON.stringify(json));
    execFileSync(python, ["-m", "nbconvert", "--to", "html", "--output", "theirs.html", path], {
      cwd: folder,
      stdio: "ignore",
    });
    expect((await runCommand(["convert", "--to", "html", "-o", join(folder, "ours"), path])).code).toBe(0);
    const ours = shown(readFileSync(join(folder, "ours/page.html"), "utf8"));
    const theirs = shown(readFileSync(join(folder, "theirs.html"), "utf8"));
    expect(ours.images).toBe(theirs.images);
    // Prompts, anchors and the like are each page's own: the words that the notebook holds must be in both.
    const words = [
      "A heading",
      "Some text with code, a link",
      "a list",
      "two",
      "x = '<tag>'",
      "# comment",
      "first line",
      '5 < 6 & "quotes"',
      "cell one",
      "0.5",
      "array([1, 2])",
      "ValueError: bad value",
    ];
    expect(words.filter((word) => !theirs.text.includes(word))).toEqual([]);
    expect(words.filter((word) => !ours.text.includes(word))).toEqual([]);
    expect(theirs.text.includes("plain table")).toBe(ours.text.includes("plain table"));
  });
});

/** What a reader sees of a page: its words, and how many pictures. */
function shown(html: string): { text: string; images: number } {
  const body = html.replace(/<(script|style|head)\b[\s\S]*?<\/\1>/g, "");
  const text = body
    .replace(/<[^>]*>/g, "")
    .replace(/&#(?:x([0-9a-f]+)|(\d+));/gi, (_, hex, decimal) =>
      String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
    )
    .replace(/&(lt|gt|quot|amp);/g, (_, name: string) => ({ lt: "<", gt: ">", quot: '"', amp: "&" })[name] ?? "")
    .replace(/\s+/g, " ");
  return { text, images: body.match(/<img\b/g)?.length ?? 0 };
}
