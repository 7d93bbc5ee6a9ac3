import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { debianPython, pythonHas } from "../../../test/conformance/harness.ts";

// The console starts the built kernel, so it is run from dist itself.
const entry = fileURLToPath(new URL("../dist/index.js", import.meta.url));

it("runs lines that are piped in, over several lines where a statement goes on, and answers prompts", () => {
  const folder = mkdtempSync(join(tmpdir(), "console-"));
  const input = 'const x = 6\nx * 7\nfunction f() {\n  return "two lines"\n}\nf()\nprompt("name? ")\nAda\nx.nothing\n';
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
  const plain = output.replace(/\u001b\[\d+m/g, "");
  expect(plain).toContain("Out[2]: 42");
  expect(plain).toContain("Out[4]: 'two lines'");
  expect(plain).toContain("name? ");
  expect(plain).toContain("Out[5]: 'Ada'");
  expect(plain).toContain("TS2339: Property 'nothing' does not exist on type '6'");
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
