/** The file that `convbook train` reads: everything that can be changed, checked before anything is touched. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseDocument } from "yaml";
import { checkFunction, checkNames, checkText } from "../../arguments/check.ts";
import { OptionError } from "../../arguments/option-error.ts";
import { refuseUnknownOptions } from "../../arguments/options.ts";
import { messageOf } from "../../files/index.ts";
import { checkConfig } from "./config-settings.ts";
import type { ExperimentConfig } from "./experiment-config.ts";
import { isOutside, loadPlugin } from "./plugins.ts";
import { ConfigError, isPlain, type Plain, Reader } from "./settings.ts";

/** Options of {@link loadConfig}. */
export interface LoadConfigOptions {
  /** Is told of each plugin outside of the configuration's folder; by default it is written to standard error. */
  readonly onMessage?: (message: string) => void;
}

/**
 * Reads and checks a configuration, and runs the files that it names as `model.plugins`, seen from its own folder. They are programs: look at a
 * stranger's before.
 *
 * @param path a YAML (or JSON) file
 * @param changes settings to change, as `trainer.maxEpochs=10`; values are YAML
 * @throws ConfigError naming file, setting, value, what was expected and the nearest name
 */
export async function loadConfig(
  path: string,
  changes: readonly string[] = [],
  options: LoadConfigOptions = {},
): Promise<ExperimentConfig> {
  checkText("loadConfig", "path", path, "the path of a YAML file");
  checkNames("loadConfig", "changes", changes);
  refuseUnknownOptions("loadConfig", options, ["onMessage"]);
  const { onMessage = console.error } = options;
  checkFunction("loadConfig", "onMessage", onMessage);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigError(path, "", `cannot be read: ${messageOf(error)}`);
  }
  const root = parseSettings(text, path, changes);
  const folder = dirname(resolve(path));
  const model = root.section("model");
  const plugins: string[] = [];
  for (const [i, name] of model.texts("plugins").entries()) {
    const file = await loadPlugin(name, folder).catch((error: Error) =>
      model.fail(`plugins[${i}]`, `is ${JSON.stringify(name)}, but ${error.message}.`),
    );
    if (isOutside(file, folder)) {
      onMessage(`${path}: the plugin ${file} lies outside of its folder; it was run.`);
    }
    plugins.push(file);
  }
  const config = checkConfig(root);
  return { ...config, model: { ...config.model, plugins } };
}

/** As {@link loadConfig}, from text; its plugins are listed, but not run. */
export function parseConfig(text: string, file = "config", changes: readonly string[] = []): ExperimentConfig {
  if (typeof text !== "string") {
    throw new OptionError("parseConfig", "text", text, "YAML in a string");
  }
  checkText("parseConfig", "file", file);
  checkNames("parseConfig", "changes", changes);
  return checkConfig(parseSettings(text, file, changes));
}

/**
 * Requires a whole configuration.
 *
 * @throws {OptionError} where it is none that {@link parseConfig} or {@link loadConfig} gave
 */
export function requireConfig(owner: string, config: ExperimentConfig): void {
  const isConfig =
    isPlain(config) && typeof config.output === "string" && isPlain(config.model) && isPlain(config.data);
  if (!isConfig) {
    throw new OptionError(owner, "config", config, "a configuration, as loadConfig and parseConfig give it");
  }
}

function parseSettings(text: string, file: string, changes: readonly string[]): Reader {
  const document = parseDocument(text, { maxAliasCount: 100 } as never);
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new ConfigError(file, "", `is not valid YAML: ${problem.message}`);
  }
  const root: unknown = document.toJS() ?? {};
  if (!isPlain(root)) {
    throw new ConfigError(file, "", "must hold settings by name");
  }
  for (const change of changes) {
    applyChange(root, change);
  }
  return new Reader(root, file);
}

function applyChange(root: Plain, change: string): void {
  const at = change.indexOf("=");
  if (at <= 0) {
    throw new ConfigError("--set", change, "must be written as name.of.setting=value");
  }
  const path = change.slice(0, at).split(".");
  if (path.some((part) => part === "" || ["__proto__", "constructor", "prototype"].includes(part))) {
    throw new ConfigError("--set", change, "does not name a setting");
  }
  const value: unknown = parseDocument(change.slice(at + 1)).toJS();
  let place = root;
  for (const part of path.slice(0, -1)) {
    const inner = place[part];
    const next = isPlain(inner) ? inner : {};
    place[part] = next;
    place = next;
  }
  place[path.at(-1) ?? ""] = value;
}
