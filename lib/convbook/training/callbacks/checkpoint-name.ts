/** Names of checkpoints from patterns such as `{epoch:02d}-{val_acc:.3f}`, as PyTorch Lightning makes them. */
import { ConfigurationError } from "../errors.ts";
import type { Metrics } from "../logging/results.ts";

/**
 * @param pattern with metrics in braces and Python's formats behind colons; metrics that are not there count as 0
 * @param insertsNames whether `{epoch}` gives `epoch=3` or `3`
 */
export function checkpointName(pattern: string, metrics: Metrics, insertsNames: boolean): string {
  return pattern.replaceAll(/\{([^{}:]+)(?::([^{}]*))?\}/g, (_, name: string, format: string | undefined) => {
    const text = formatNumber(metrics[name] ?? 0, format, name);
    return insertsNames ? `${name.replaceAll("/", "_")}=${text}` : text;
  });
}

/** Python's formats `d`, `02d`, `.3f`, `.2e` and none. */
function formatNumber(value: number, format: string | undefined, name: string): string {
  if (format === undefined || format === "") return String(value);
  const match = /^(0?)(\d*)(?:\.(\d+))?([dfe])$/.exec(format);
  if (match === null) {
    throw new ConfigurationError(
      `ModelCheckpoint.filename, {${name}:${format}}`,
      format,
      'a format such as "02d", ".3f" or ".2e"',
    );
  }
  const [, zero, width, digits, kind] = match;
  const text =
    kind === "d"
      ? String(Math.trunc(value))
      : kind === "f"
        ? toFixed(value, Number(digits ?? 6))
        : value.toExponential(Number(digits ?? 6)).replace(/e([+-])(\d)$/, "e$10$2");
  return text.padStart(Number(width || 0), zero === "0" ? "0" : " ");
}

/** As Python rounds: what lies in the middle goes to the even digit, where JavaScript goes away from zero. */
function toFixed(value: number, digits: number): string {
  const away = value.toFixed(digits);
  const toward = (Number(away) - Math.sign(value) * 10 ** -digits).toFixed(digits);
  const isMiddle = Number(away) - value === value - Number(toward) && Math.abs(value) < 2 ** 33;
  return isMiddle && Number(away.at(-1)) % 2 === 1 ? toward : away;
}
