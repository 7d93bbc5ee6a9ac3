/** Names of models by pattern, as timm's `list_models`. */
import { checkNames } from "../arguments/check.ts";
import { OptionError } from "../arguments/option-error.ts";
import { refuseUnknownOptions } from "../arguments/options.ts";
import { type ModelName, modelNames } from "./registry.ts";

/** Options of {@link listModels}. */
export interface ListModelsOptions {
  /** Patterns of names that are left out. */
  readonly excludeFilters?: string | readonly string[];
}

/**
 * Names of the models, those of the library and those that were registered, in the order in which people count: resnet18 before resnet101.
 *
 * @param filter a pattern, or several of which one must fit the whole name: `*` is any text, `?` any letter, `[abc]` one of these, `[!abc]` none; capitals and
 *   small letters differ. All names when left out.
 * @param options excludeFilters
 *
 * @example
 * listModels("resnet*"); // resnet18, resnet34, resnet50, …
 * listModels("*resne?t*", { excludeFilters: "wide_*" });
 */
export function listModels(filter: string | readonly string[] = "*", options: ListModelsOptions = {}): ModelName[] {
  refuseUnknownOptions("listModels", options, ["excludeFilters"]);
  const { excludeFilters = [] } = options;
  const wanted = patterns("filter", filter);
  const unwanted = patterns("excludeFilters", excludeFilters);
  const collator = new Intl.Collator("en", { numeric: true });
  return modelNames()
    .filter((name) => wanted.some((pattern) => pattern.test(name)) && !unwanted.some((pattern) => pattern.test(name)))
    .sort(collator.compare);
}

function patterns(option: string, given: string | readonly string[]): RegExp[] {
  const list: unknown = typeof given === "string" ? [given] : given;
  if (!Array.isArray(list)) {
    throw new OptionError("listModels", option, given, "a pattern, or a list of patterns");
  }
  checkNames("listModels", option, list);
  return list.map(expressionOf);
}

/** A pattern of names as a regular expression; what is no wildcard stands for itself. */
function expressionOf(pattern: string): RegExp {
  const parts = pattern.match(/\[!?[^\]]+\]|[\s\S]/gu) ?? [];
  const source = parts.map((part) => {
    if (part === "*") {
      // Stars in a row are one: many of them would take for ever on a name that does not fit.
      return "[^]*";
    }
    if (part === "?") {
      return "[^]";
    }
    if (part.length > 1 && part.startsWith("[")) {
      const isNot = part.startsWith("[!");
      const set = part.slice(isNot ? 2 : 1, -1).replaceAll(/[\\^\]]/g, "\\$&");
      return `[${isNot ? "^" : ""}${set}]`;
    }
    return part.replaceAll(/[\\^$.|()[\]{}+]/g, "\\$&");
  });
  return new RegExp(`^${source.filter((part, i) => part !== "[^]*" || source[i - 1] !== part).join("")}$`);
}
