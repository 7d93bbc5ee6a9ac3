/** Text in figures: escaping, widths without a browser, numbers for reading. */

/** Escapes text for XML and HTML, in content and in quoted attributes; characters that XML forbids become U+FFFD. */
export function escapeXml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that an XML document must not contain
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd")
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  );
}

/**
 * The width of a line of text in pixels, for a sans-serif font of `fontSize` pixels. There is no font to measure with in Node, so this adds up
 * advance widths of DejaVu Sans, the widest among the usual system fonts: what is laid out by it is never cut off elsewhere.
 */
export function textWidth(text: string, fontSize: number): number {
  let units = 0;
  for (const character of text) {
    units += advance(character);
  }
  return units * fontSize;
}

function advance(character: string): number {
  if ("iljI|!.,:;'` ".includes(character)) {
    return 0.33;
  }
  if ('frt()[]{}/-"'.includes(character)) {
    return 0.41;
  }
  if ("mwMW%@".includes(character)) {
    return 0.95;
  }
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x1100) {
    return 1; // East Asian and pictographic characters are as wide as high
  }
  if (character >= "A" && character <= "Z") {
    return 0.71;
  }
  return 0.63;
}

/** `text`, cut with an ellipsis where it would be wider than `width` pixels. */
export function fitText(text: string, width: number, fontSize: number): string {
  if (textWidth(text, fontSize) <= width) {
    return text;
  }
  const characters = [...text];
  while (characters.length > 1 && textWidth(`${characters.join("")}…`, fontSize) > width) {
    characters.pop();
  }
  return `${characters.join("").trimEnd()}…`;
}

/** `text` in lines of at most `width` pixels, broken at spaces; a word that is wider alone is cut. */
export function wrapText(text: string, width: number, fontSize: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      const longer = line === "" ? word : `${line} ${word}`;
      if (line !== "" && textWidth(longer, fontSize) > width) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    lines.push(line);
  }
  return lines.map((line) => fitText(line, width, fontSize));
}

/** A number for reading: thousands separated, four significant digits, a true minus sign never (it breaks copying). */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) {
    return String(value);
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return value.toLocaleString("en-US");
  }
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) {
    return value.toExponential(digits - 1);
  }
  if (size >= 10 ** digits) {
    return Math.round(value).toLocaleString("en-US");
  }
  return String(Number(value.toPrecision(digits)));
}
