/** A histogram as a drawing that follows the page's colours. Its numbers stand in it as text, and in its description. */
import { escapeHtml } from "../html.ts";

export interface Bin {
  readonly label: string;
  readonly count: number;
}

/** @param title What it shows, in words, for those who do not see it. */
export function histogram(bins: readonly Bin[], title: string): string {
  const width = 640;
  const height = 190;
  const base = height - 22;
  const step = width / bins.length;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const marks = bins.map(({ label, count }, i) => {
    const tall = ((base - 22) * count) / most;
    const x = i * step;
    const middle = (x + step / 2).toFixed(1);
    const number =
      count > 0 ? `<text x="${middle}" y="${(base - tall - 5).toFixed(1)}" text-anchor="middle">${count}</text>` : "";
    return `<rect class="mark" x="${(x + 3).toFixed(1)}" y="${(base - tall).toFixed(1)}" width="${(step - 6).toFixed(1)}" height="${tall.toFixed(1)}" rx="2"/>${number}<text x="${middle}" y="${height - 5}" text-anchor="middle">${escapeHtml(label)}</text>`;
  });
  const described = bins.map(({ label, count }) => `${label}: ${count}`).join(", ");
  return `<figure><svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}. ${described}`)}"><line class="axis" x1="0" y1="${base}" x2="${width}" y2="${base}"/>${marks.join("")}</svg><figcaption>${escapeHtml(title)}</figcaption></figure>`;
}
