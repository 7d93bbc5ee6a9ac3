/** How an error prints what it was given. */

/** Longer texts are cut off: an error is read by people, and what it was given may be a file of megabytes. */
const longestText = 120;
/** So many entries of a list are looked at. */
const mostEntries = 60;

/**
 * Prints a value for an error message, shortened: numbers as they are (NaN too, which JSON has not), functions by name, tensors by shape and
 * type, instances of classes by class. Never throws.
 */
export function describeValue(value: unknown): string {
  const text = printed(value);
  return text.length > longestText ? `${text.slice(0, longestText - 3)}...` : text;
}

function printed(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.slice(0, longestText));
  }
  if (typeof value === "bigint") {
    return `${value}n`;
  }
  if (typeof value === "function") {
    return `the function ${value.name || "(anonymous)"}`;
  }
  if (typeof value !== "object" || value === null) {
    return String(value);
  }
  try {
    if (Array.isArray(value)) {
      return `[${value.slice(0, mostEntries).map(printed).join(",")}]`;
    }
    const { shape, dtype } = value as { shape?: unknown; dtype?: unknown };
    if (Array.isArray(shape) && typeof dtype === "string") {
      return `a tensor [${shape.join(", ")}] ${dtype}`;
    }
    const type: unknown = Object.getPrototypeOf(value)?.constructor;
    if (typeof type === "function" && type !== Object && type.name !== "") {
      return `an instance of ${type.name}`;
    }
    return JSON.stringify(value, (_, v: unknown) =>
      typeof v === "bigint" || (typeof v === "number" && !Number.isFinite(v)) ? String(v) : v,
    );
  } catch {
    return "an object that cannot be printed";
  }
}
