import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { debianPython, pythonHas } from "../../../test/conformance/harness.ts";

// The console starts the built kernel, so it is run from dist itself.
const entry = fileURLToPath(new URL("../dist/index.js", import.meta.url));

/** What the console prints, without colours, where these lines are piped in. */
function printed(input: string): string {
  const folder = mkdtempSync(join(tmpdir(), "console-"));
  const output = execFileSync(
    process.execPath,
    ["-e", `import(${JSON.stringify(entry)}).then((k) => k.runConsole())`],
    {
      input,
      encoding: "utf8",
      cwd: folder,
      env: { ...process.env, CONVBOOK_HISTORY: join(folder, "history.jsonl") },
      timeout: 300_000,
    },
  );
  rmSync(folder, { recursive: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out
  return output.replace(/\u001b\[\d+m/g, "");
}

it("runs lines that are piped in, over several lines where a statement goes on, and answers prompts", () => {
  const lines = ["const x = 6", "x * 7", "function f() {", '  return "two lines"', "}", "f()"];
  const plain = printed([...lines, 'prompt("name? ")', "Ada", "x.nothing", ""].join("\n"));
  expect(plain).toContain("Out[2]: 42");
  expect(plain).toContain("Out[4]: 'two lines'");
  expect(plain).toContain("name? ");
  expect(plain).toContain("Out[5]: 'Ada'");
  expect(plain).toContain("TS2339: Property 'nothing' does not exist on type '6'");
});

it("goes on with a statement behind an empty line, and says what is missing where the input ends within one", () => {
  const plain = printed(
    "class Net {\n  size = 3;\n\n  double() {\n    return 2 * this.size;\n  }\n}\nnew Net().double()\nf(\n",
  );
  expect(plain).toContain("Out[2]: 6");
  expect(plain).toMatch(/SyntaxError: .*In \[3\]/);
});

it.runIf(pythonHas("pexpect"))(
  "is a terminal: completes, gives lines up, shows help, updates what it shows in place",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "console-"));
    const script = fileURLToPath(new URL("console_terminal.py", import.meta.url));
    const shown = execFileSync(debianPython(), [script, process.execPath, entry, folder], { encoding: "utf8" });
    rmSync(folder, { recursive: true });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are taken out
    const plain = shown.replace(/\u001b\[\d+m/g, "");
    expect(plain).toContain("Out[2]: 43");
    expect(plain).toContain("Math.max(...values: number[]): number");
    expect(plain).toContain("KeyboardInterrupt: The cell was interrupted");
    expect(plain).toContain("'one'\r\n\u001b[1A\u001b[0J'two'\r\n");
  },
);
