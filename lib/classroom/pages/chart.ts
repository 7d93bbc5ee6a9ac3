/** A histogram of boxes that follow the page's colours and width. Its numbers stand in it as text of the page's size, and in its description. */
import { escapeHtml } from "../html.ts";

export interface Bin {
  /** In full, for those who do not see it. */
  readonly label: string;
  /** Where it begins, as short as a phone needs it. */
  readonly tick: string;
  readonly count: number;
}

/**
 * @param title What it shows, in words, for those who do not see it.
 * @param axis What the ticks count, with their unit.
 */
export function histogram(bins: readonly Bin[], title: string, axis: string): string {
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const columns = bins.map(({ tick, count }) => {
    const number = count > 0 ? `<b>${count}</b>` : "";
    return `<div>${number}<i style="height: ${((8 * count) / most).toFixed(2)}rem"></i><span>${escapeHtml(tick)}</span></div>`;
  });
  const described = bins.map(({ label, count }) => `${label}: ${count}`).join(", ");
  return `<figure><div class="chart" role="img" aria-label="${escapeHtml(`${title}. ${described}`)}">${columns.join("")}</div><figcaption>${escapeHtml(`${title}; ${axis}`)}</figcaption></figure>`;
}
