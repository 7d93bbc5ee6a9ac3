/** Times that somebody gave, for the system's timers. */

/**
 * Milliseconds that a timer can take: at most 24.8 days. A longer time has more than 31 bits, and would end at once.
 *
 * @param ms 0 or more, perhaps infinite
 */
export function timerMs(ms: number): number {
  return Math.min(ms, 2 ** 31 - 1);
}
