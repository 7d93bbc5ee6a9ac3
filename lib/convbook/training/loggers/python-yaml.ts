/**
 * YAML as PyYAML reads it, which has version 1.1: there `1e-7` is a text and `no` is false, unless they are written otherwise
 * (https://github.com/treeverse/dvc/issues/8466).
 */
import { Document, type Scalar, visit } from "yaml";

/** What PyYAML does not take for text, or not as it is, where no quotation marks say that it is. */
const special = new RegExp(
  [
    String.raw`^[-+.\d]`,
    "^(?:yes|no|on|off|true|false|y|n|null|[~=]|<<|)$",
    String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]`,
  ].join("|"),
  "i",
);

/** As Python's `repr`, with a point, without which PyYAML takes an exponent for a part of a text. */
function spelled(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  }
  const text = Object.is(value, -0) ? "-0.0" : String(value);
  return text.includes(".") ? text : text.replace("e", ".0e");
}

const number = {
  identify: (value: unknown) => typeof value === "number",
  default: true,
  tag: "tag:yaml.org,2002:float",
  // Of several that know numbers those that have a pattern are asked.
  test: /^[-+.\d]/,
  resolve: Number,
  stringify: ({ value }: Scalar) => spelled(value as number),
};

/** A value as it is in JSON, its numbers also infinite or none. */
export function pythonYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false, customTags: (tags) => [number, ...tags] });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === "string" && special.test(scalar.value)) {
        scalar.type = "QUOTE_DOUBLE";
      }
    },
  });
  // These stand in quotation marks, where JSON leaves them as they are.
  return document
    .toString({ lineWidth: 0 })
    .replace(
      /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}
