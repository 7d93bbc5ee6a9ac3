/** Numbers whose spelling says more than their value. */

/**
 * A number as it was written, where JavaScript would write it otherwise: 1.0 is a float in Python, 12345678901234567890 is exact there.
 * As JSON it is its text, so that a cache tells 1.0 from 1.
 */
export class SpelledNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): string {
    return this.text;
  }

  /** As Python writes it; zeros in front, which Python does not take, are left out. */
  get python(): string {
    return this.text.replace(/^\+/, "").replace(/^(-?)0+(?=\d)/, "$1");
  }

  /** As every language writes it: as Python does, with digits on both sides of a point. */
  get plain(): string {
    return this.python.replace(/^(-?)\./, "$10.").replace(/\.(?!\d)/, ".0");
  }

  /** As TypeScript writes it: a bigint where a number would be another one. */
  get script(): string {
    const value = Number(this.text);
    return /^[+-]?\d+$/.test(this.text) && !Number.isSafeInteger(value)
      ? `${BigInt(this.text.replace("+", ""))}n`
      : Object.is(value, -0)
        ? "-0"
        : String(value);
  }
}

/** A number, or a {@link SpelledNumber} where JavaScript would spell it otherwise. */
export function numberAsWritten(text: string): number | SpelledNumber {
  const value = Number(text);
  return String(value) === text ? value : new SpelledNumber(text);
}
