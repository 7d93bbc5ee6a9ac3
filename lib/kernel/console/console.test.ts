import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

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
      timeout: 50_000,
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
