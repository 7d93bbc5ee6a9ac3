/** The badges of README.md: pictures in the repository, made from package.json; no service draws them. */
import { readFileSync } from "node:fs";

export interface Badge {
  /** Its file's name, without the ending. */
  readonly name: string;
  readonly label: string;
  readonly value: string;
}

/** Width of a character of the 11-pixel font that the picture is drawn in; `textLength` makes it so in any other. */
const kCharacter = 6.6;
const kMargin = 6;

/** What the badges say, from the package that has the version of all. */
export function badgesOf(packageJson: URL): readonly Badge[] {
  const { version, license, engines } = JSON.parse(readFileSync(packageJson, "utf8"));
  return [
    { name: "version", label: "version", value: version },
    { name: "node", label: "Node.js", value: engines.node.replace(">=", "≥ ") },
    { name: "licence", label: "licence", value: license },
  ];
}

/** A badge as SVG, readable in light and dark: white on grey (contrast 7.5) and on blue (6.1). */
export function drawBadge({ label, value }: Badge): string {
  const length = (text: string) => Math.round([...text].length * kCharacter);
  const [left, right] = [length(label) + 2 * kMargin, length(value) + 2 * kMargin];
  const text = (said: string, x: number) =>
    `<text x="${x}" y="14" textLength="${length(said)}" lengthAdjust="spacingAndGlyphs">${said}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${label}: ${value}">
<rect width="${left + right}" height="20" rx="3" fill="#555"/>
<path d="M${left} 0h${right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-${right - 3}z" fill="#1764ab"/>
<g fill="#fff" font-family="DejaVu Sans,Verdana,sans-serif" font-size="11">
${text(label, kMargin)}
${text(value, left + kMargin)}
</g>
</svg>
`;
}
