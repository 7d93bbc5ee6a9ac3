export { JsonError, parseJsonText } from "./parse.ts";
export { asCopyOf, type JsonDocument, type JsonSource, setDefault, sourceOf } from "./source.ts";
export {
  detectJsonStyle,
  isSorted,
  isUnchanged,
  type JsonStyle,
  JsonWriter,
  nbformatStyle,
  stringifyJson,
} from "./write.ts";
