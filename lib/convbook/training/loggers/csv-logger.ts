/** Metrics as a CSV file, `metrics.csv`, and the hyper-parameters as `hparams.yaml`, as PyTorch Lightning's CSVLogger. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isNumber } from "../../arguments/check.ts";
import { writeFileAtomic } from "../../files/index.ts";
import type { HyperParameters } from "../core/json.ts";
import type { Logger } from "../core/logger.ts";
import { LogFileError, requireOption } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";
import { pythonYaml } from "./python-yaml.ts";
import { checkFileOptions, nextVersion } from "./version.ts";

export interface FileLoggerOptions {
  /** The folder of all experiments; default: the working directory. */
  rootDir?: string;
  /** Name of the experiment, a folder in it; default `convbook_logs`. */
  name?: string;
  /** The run; default `version_0`, or the next number that is free. */
  version?: string;
}

export class CSVLogger implements Logger {
  readonly name: string;
  readonly rootDir: string;
  #version: string | undefined;
  #columns: string[] = [];
  readonly #rows: Readonly<Record<string, number | string>>[] = [];
  /** Rows that are in the file; undefined before anybody looked. */
  #written: number | undefined;
  readonly #flushEvery: number;

  /** @param options.flushEvery rows after which the file is written; default 100 */
  constructor(options: FileLoggerOptions & { flushEvery?: number } = {}) {
    checkFileOptions("CSVLogger", options, ["flushEvery"]);
    const { rootDir = process.cwd(), name = "convbook_logs", flushEvery = 100 } = options;
    requireOption(isNumber(flushEvery, 1), "CSVLogger.flushEvery", flushEvery, "a number of at least 1");
    this.rootDir = rootDir;
    this.name = name;
    this.#version = options.version;
    this.#flushEvery = flushEvery;
  }

  /** The run. Its folder is made when somebody asks for it first: of several processes that make a logger only rank 0, which logs, takes a number. */
  get version(): string {
    this.#version ??= nextVersion(join(this.rootDir, this.name));
    return this.#version;
  }

  /** The folder of the run. */
  get logDir(): string {
    return join(this.rootDir, this.name, this.version);
  }

  get path(): string {
    return join(this.logDir, "metrics.csv");
  }

  async logHyperparams(hparams: HyperParameters): Promise<void> {
    const path = join(this.logDir, "hparams.yaml");
    try {
      await writeFileAtomic(path, pythonYaml(hparams));
    } catch (error) {
      throw new LogFileError(path, error);
    }
  }

  logMetrics(metrics: Metrics, step: number): void {
    this.#rows.push({ ...metrics, step });
    this.#written ??= this.#readEarlierRows();
    if (this.#rows.length - this.#written >= this.#flushEvery) {
      this.save();
    }
  }

  /**
   * Writes what is new: appended, or the whole file again when there are new columns.
   *
   * @throws LogFileError when the file system refuses
   */
  save(): void {
    const written = this.#written ?? 0;
    if (this.#rows.length === written) {
      return;
    }
    const columns = [
      ...new Set(["epoch", "step", ...this.#columns, ...this.#rows.slice(written).flatMap(Object.keys)]),
    ];
    const isWider = columns.length > this.#columns.length;
    const rows = isWider ? this.#rows : this.#rows.slice(written);
    const lines = rows.map((row) => columns.map((column) => quote(String(row[column] ?? ""))).join(","));
    if (isWider) {
      lines.unshift(columns.map(quote).join(","));
    }
    try {
      mkdirSync(this.logDir, { recursive: true });
      writeFileSync(this.path, `${lines.join("\n")}\n`, { flag: isWider ? "w" : "a" });
    } catch (error) {
      throw new LogFileError(this.path, error);
    }
    this.#columns = columns;
    this.#written = this.#rows.length;
  }

  /**
   * What an earlier process wrote stays where a run goes on in the same folder.
   *
   * @returns how many of the rows are in the file as they are to be there
   * @throws LogFileError when the file system refuses
   */
  #readEarlierRows(): number {
    if (!existsSync(this.path)) {
      return 0;
    }
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      throw new LogFileError(this.path, error);
    }
    const [header = "", ...lines] = text.split(/\r?\n/);
    const columns = fields(header);
    const earlier = lines
      .filter((line) => line !== "")
      .map((line) => Object.fromEntries(fields(line).map((value, i) => [columns[i] ?? `column ${i}`, value])));
    this.#rows.unshift(...earlier);
    const areOurs = columns[0] === "epoch" && columns[1] === "step" && text.endsWith("\n");
    if (!areOurs) {
      // Written anew, whole, with all columns.
      this.#rows[0] = { ...Object.fromEntries(columns.map((column) => [column, ""])), ...this.#rows[0] };
      return 0;
    }
    this.#columns = columns;
    return earlier.length;
  }

  finalize(): void {
    this.save();
  }
}

/** The fields of a line, some of them in quotes. */
function fields(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  );
}

function quote(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
