/** A page of the classroom: one file, without a script, that loads nothing. */
import { escapeHtml } from "../html.ts";
import { pageStyle } from "./style.ts";

/**
 * @param title The page's title, as text.
 * @param body The content, as HTML.
 * @param wide Whether it holds tables that need room.
 */
export function page(title: string, body: string, { wide = false }: { wide?: boolean } = {}): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="convbook class">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main${wide ? ' class="wide"' : ""}>
${body}
</main>
</body>
</html>
`;
}

/** Points as people write them: at most two digits behind the point. */
export function pointsText(points: number): string {
  return String(Math.round(points * 100) / 100);
}

/** Points that stand below one another: all with as many digits behind the point as one of them needs. */
export function pointsColumn(points: readonly number[]): string[] {
  const digits = Math.max(0, ...points.map((value) => (pointsText(value).split(".")[1] ?? "").length));
  return points.map((value) => (Number.isFinite(value) ? value.toFixed(digits) : "–"));
}

/** A share of the whole as a bar, for the eyes only: the numbers stand beside it. */
export function bar(part: number, whole: number): string {
  const share = whole > 0 ? Math.min(100, Math.max(0, (100 * part) / whole)) : 0;
  return `<div class="bar" aria-hidden="true"><span style="width: ${share.toFixed(1)}%"></span></div>`;
}

/** Seconds or minutes. */
export function secondsText(seconds: number): string {
  if (seconds > 0 && seconds < 0.05) {
    return "< 0.1 s";
  }
  return seconds < 90
    ? `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
    : `${(seconds / 60).toFixed(1)} min`;
}

/** Bytes, as megabytes of 2^20. */
export function memoryText(bytes: number): string {
  const megabytes = bytes / 2 ** 20;
  return megabytes < 1000 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}
