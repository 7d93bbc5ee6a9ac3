/** Takes out of texts what is different every time: times, paths, hashes, addresses. */
import { stripVTControlCharacters } from "node:util";
import { nearestName, UsageError } from "../errors.ts";
import type { SanitizerSetting } from "../run/cell-info.ts";

export type Sanitizer = (text: string) => string;

const presets: Readonly<Record<string, readonly (readonly [RegExp, string])[]>> = {
  times: [
    [/\b\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?/g, "<date>"],
    [
      /\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (\d{1,2} )?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* [\d: ]*\d{4}\b/g,
      "<date>",
    ],
    [/\b\d{1,2}:\d{2}(:\d{2})?(\.\d+)?( ?[AP]M)?\b/g, "<time>"],
    [/\b\d+(\.\d+)? ?(ns|us|µs|μs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hours?)\b/g, "<duration>"],
    [/\b\d+(\.\d+)? ?(it|img|images|samples|steps?|B|kB|MB|MiB|KiB)\/s(ec)?\b/g, "<rate>"],
  ],
  paths: [
    [/(?<![\w/:.])(~|\.{1,2})?(\/[\w.@+-]+){2,}\/?/g, "<path>"],
    [/\b[A-Za-z]:\\[^\s"'<>|]+/g, "<path>"],
    [/\bfile:\/\/\S+/g, "<path>"],
  ],
  hashes: [
    [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "<uuid>"],
    [/\b[0-9a-f]{32,128}\b/gi, "<hash>"],
  ],
  addresses: [[/\b0x[0-9a-f]{4,16}\b/gi, "<address>"]],
};

/** The names of the presets. */
export const sanitizerPresets: readonly string[] = Object.keys(presets);

/**
 * One function that applies sanitisers in their order; colours of the terminal always go.
 *
 * @param settings Names of presets, patterns as `/pattern/flags`, or objects with pattern, replacement and flags.
 * @throws UsageError for a name that is no preset and a pattern that is no regular expression.
 */
export function createSanitizer(settings: readonly SanitizerSetting[]): Sanitizer {
  const rules = settings.flatMap((setting) => rulesOf(setting));
  return (text) =>
    rules.reduce(
      (changed, [pattern, replacement]) => changed.replace(pattern, replacement),
      stripVTControlCharacters(text),
    );
}

function rulesOf(setting: SanitizerSetting): readonly (readonly [RegExp, string])[] {
  if (typeof setting !== "string") {
    return [[compile(setting.pattern, setting.flags ?? "g"), setting.replace ?? "<removed>"]];
  }
  const literal = /^\/(.+)\/([a-z]*)$/s.exec(setting);
  if (literal !== null) {
    return [[compile(literal[1] ?? "", literal[2] ?? ""), "<removed>"]];
  }
  const preset = presets[setting];
  if (preset === undefined) {
    const near = nearestName(setting, sanitizerPresets);
    throw new UsageError(
      `there is no sanitiser "${setting}"${near === undefined ? "" : `; did you mean "${near}"?`} (there are ${sanitizerPresets.join(", ")}, and patterns as /pattern/flags)`,
    );
  }
  return preset;
}

function compile(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags.includes("g") ? flags : `${flags}g`);
  } catch (error) {
    throw new UsageError(`the sanitiser /${pattern}/${flags} is not a regular expression: ${(error as Error).message}`);
  }
}
