/**
 * `npm run bench -- NAME [--json]`: runs one benchmark and prints its rows. A benchmark is a file of this folder that
 * exports `run(args)`; it measures ours and the peers alternately in the same run and gives medians and ratios.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface BenchRow {
  readonly [column: string]: string | number | null;
}

export interface BenchResult {
  /** One line on the machine and what was compared. */
  readonly note: string;
  readonly rows: readonly BenchRow[];
  /** Further tables, of other columns. */
  readonly sections?: readonly { readonly title: string; readonly note: string; readonly rows: readonly BenchRow[] }[];
}

const folder = fileURLToPath(new URL(".", import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -3));
const [name, ...args] = process.argv.slice(2).filter((arg) => arg !== "--json");
if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json]; NAME is one of: ${names.join(", ")}; got ${name ?? "nothing"}`);
  process.exit(2);
}
const benchmark = (await import(new URL(`./${name}.ts`, import.meta.url).href)) as {
  run(args: readonly string[]): Promise<BenchResult>;
};
const result = await benchmark.run(args);
if (process.argv.includes("--json")) {
  console.log(JSON.stringify(result, null, 2));
} else {
  console.log(result.note);
  console.table(result.rows);
  for (const { title, note, rows } of result.sections ?? []) {
    console.log(`\n${title}. ${note}`);
    console.table(rows);
  }
}
