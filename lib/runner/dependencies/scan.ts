/** Finds in a source's text what it may read: imports, file names, and what cannot be known before it runs. */

export type SourceKind = "script" | "python" | "other";

/** What a text names. Too much is harmless here, too little is not. */
export interface Scan {
  /** What JavaScript and TypeScript import, as it is written. */
  readonly specifiers: readonly string[];
  /** What Python imports: `from ..a.b import c` is the module "..a.b" with the name "c". */
  readonly modules: readonly PythonImport[];
  /** Texts in quotation marks, and the words of shell lines and magics: each may be a file's name. */
  readonly words: readonly string[];
  /** Whether it lists a folder, and the folders in it, too. */
  readonly lists: "not" | "flat" | "deep";
  /** Things that no look at files can tell, in words. */
  readonly unknown: readonly string[];
}

export interface PythonImport {
  readonly module: string;
  readonly names: readonly string[];
}

const scriptImport = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*)(["'`])([^"'`\n]+)\1/g;
const scriptDynamic = /(?:\bimport|\brequire)\s*\(\s*(?!\s|["'`])[^)\n]{0,60}|\b(?:import|require)\s*\(\s*`[^`]*\$\{/;
/** Wherever it stands: behind `try:`, in a text for `exec`. */
const pythonFrom = /(?<![\w.])from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#;]*)/g;
const pythonImport = /(?<![\w.])import[ \t]+([\w., \t]+)/g;
const pythonDynamic = /(?:\b__import__|\bimport_module|\brun_path|\brun_module)\s*\(\s*(?!\s|[rbf]?["'])/;
/**
 * What is between two quotation marks of a kind in a line, from every one of them on: texts stand inside of others
 * (`${read("a.csv")}`), and one in a comment may stand alone. A longer text than any path is none.
 */
const quoted = /(?=(["'`])((?:\\.|(?!\1)[^\\\n]){1,1024})\1)/g;
/** `!cat a.csv`, `%run a.py`, `x = !cat a.csv`, and IPython's magics without their percent sign. */
const shellLine =
  /^[ \t]*(?:[!%]|[\w, ]+=[ \t]*[!%]|(?:run|load|cat|less|more|head|tail|cd|ls|cp|mv)[ \t]+[\w.~/"'-])[^\n]*/gm;
const shellCell = /^\s*%%(?:bash|sh|script|system|!|cmd|perl|ruby|writefile)\b/;
const installs =
  /\b(?:pip3?|conda|mamba|uv pip|poetry|apt|apt-get|brew)\s+(?:install|add)\b|\b(?:npm|pnpm|yarn)\s+(?:i|install|add|ci)\b/;
/** Programs whose answer is not in files that are named. */
const asksElsewhere = /(?:^|[\s!;|&(])(git|curl|wget|svn|hg|dvc|aws|gsutil|kaggle)(?=\s|$)/;
/** A command in a text: `execSync("git log")`, `os.system('git log')`, `` $`git log` ``. */
const runsText =
  /(?:\b(?:exec\w*|spawn\w*|system|[pP]open|run|call|check_\w+|getoutput)\s*\(\s*\[?\s*[rbf]?["'`]|\$`)\s*(git|curl|wget|svn|hg|dvc|aws|gsutil|kaggle)(?=["'`\s])/g;
const address = /^(?:https?|ftps?|s3|gs|wss?):\/\//i;
const listing =
  /\b(?:readdir(?:Sync)?|opendir(?:Sync)?|listdir|scandir|iterdir|list_files|listFiles|r?glob(?:Sync)?|walk)\b/;
const deepListing = /\bwalk\b|\brglob\b|\brecursive\b/;

/** Looks through a source. */
export function scanSource(source: string, kind: SourceKind): Scan {
  const plain = source.replaceAll("\r\n", "\n").replace(/\\\n/g, " ");
  const found = [...plain.matchAll(quoted)];
  const texts = found.map((match) => match[2] as string);
  const commands = shellCell.test(plain) ? [plain] : [...plain.matchAll(shellLine)].map((match) => match[0]);
  const words = [...texts, ...commands.flatMap(commandWords)];
  const unknown: string[] = words.filter((text) => address.test(text)).map((text) => `what is at ${text.slice(0, 80)}`);
  const asked = [
    ...commands.map((line) => asksElsewhere.exec(line)?.[1]),
    ...[...plain.matchAll(runsText)].map((match) => match[1]),
  ];
  for (const name of [...asked, ...texts.filter((text) => asksElsewhere.exec(text)?.[0] === text)]) {
    if (name !== undefined) {
      unknown.push(`what ${name} says`);
    }
  }
  if (commands.some((line) => installs.test(line))) {
    unknown.push("what it installs");
  }
  if (
    (kind === "script" && scriptDynamic.test(withoutComments(plain))) ||
    (kind === "python" && pythonDynamic.test(plain))
  ) {
    unknown.push("an import whose name is computed");
  }
  return {
    specifiers:
      kind === "script" ? [...withoutComments(plain).matchAll(scriptImport)].map((match) => match[2] as string) : [],
    modules: kind === "python" ? pythonImports(plain, commands) : [],
    words: [...words, ...found.flatMap((match) => joined(match, plain)), ...texts.flatMap(wordsIn)].filter(
      (word) => word !== "",
    ),
    lists: !listing.test(plain) ? "not" : deepListing.test(plain) ? "deep" : "flat",
    unknown,
  };
}

function commandWords(line: string): string[] {
  return line.split(/[\s"'`=;|&<>()]+/);
}

/** Those in a text that may be a command, such as `execSync("node tool.mjs")`: what looks like a file's name. */
function wordsIn(text: string): string[] {
  return /\s/.test(text) ? commandWords(text).filter((word) => /[\w-][./][\w*]/.test(word)) : [];
}

/** A text that something is put before or behind, `"data/part" + i`: as a template has it, `data/part{}`. A sentence is none. */
function joined(match: RegExpExecArray, source: string): string[] {
  const text = match[2] as string;
  const before = /\+\s*[rbf]?$/.test(source.slice(Math.max(0, match.index - 8), match.index)) ? "{}" : "";
  const end = match.index + text.length + 2;
  // Python joins texts that only stand side by side.
  const after = /^\s*(?:\+|[rbf]?["'])/.test(source.slice(end, end + 8)) ? "{}" : "";
  return before + after === "" || /[\s,;:!?]/.test(text) ? [] : [`${before}${text}${after}`];
}

/** Comments between `import(` and its text would hide it; ones that look like code do no harm. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "");
}

function pythonImports(source: string, commands: readonly string[]): PythonImport[] {
  const from = [...source.matchAll(pythonFrom)].map((match) => ({
    module: match[1] ?? "",
    names: (match[2] ?? "")
      .replace(/#[^\n]*/g, "")
      .split(/[(),\s]+/)
      .filter((name) => /^\w+$/.test(name)),
  }));
  const plain = [...source.matchAll(pythonImport)].flatMap((match) => (match[1] ?? "").split(","));
  // %run -m package.module, %load_ext module, %aimport module
  const magics = commands.flatMap((line) => [...line.matchAll(/(?:\s-m\s+|%load_ext\s+|%aimport\s+)([\w.]+)/g)]);
  return [
    ...from,
    ...[...plain, ...magics.map((match) => match[1] ?? "")]
      .map((name) => ({ module: name.trim().split(/\s+/)[0] ?? "", names: [] }))
      .filter(({ module }) => module !== ""),
  ];
}
