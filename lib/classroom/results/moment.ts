/** Times as nbgrader keeps them: in UTC, to a microsecond, which a Date has no room for. */

const form = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?\s*(.*)$/;

/**
 * A time as somebody wrote it: `2027-03-31`, `2027-03-31T18:00+02:00`, or nbgrader's `2015-02-02 15:58:23.948203 America/Los_Angeles`.
 *
 * @returns `YYYY-MM-DD HH:MM:SS` in UTC, with six more digits where it is no whole second, as Python writes it; undefined for what is no time.
 */
export function utc(text: string): string | undefined {
  const [, day, minute = "00:00", second = "00", fraction = "", zone = ""] = form.exec(text.trim()) ?? [];
  const wall = Date.parse(`${day}T${minute}:${second}Z`);
  const offset = minutesOf(zone, wall);
  if (day === undefined || Number.isNaN(wall) || offset === undefined) {
    return undefined;
  }
  const whole = new Date(wall - offset * 60_000).toISOString().slice(0, 19).replace("T", " ");
  return /[1-9]/.test(fraction) ? `${whole}.${fraction.padEnd(6, "0")}` : whole;
}

/** How far a zone's clocks were ahead of UTC at a time on them, in minutes. Without a zone it is UTC, as nbgrader has it. */
function minutesOf(zone: string, wall: number): number | undefined {
  if (/^(?:Z|UTC|GMT)?$/i.test(zone)) {
    return 0;
  }
  const [, sign, hours, minutes = "00"] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  if (hours !== undefined) {
    return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  }
  try {
    // The second look is for times near a change of the clocks.
    const first = offsetAt(zone, wall);
    return offsetAt(zone, wall - first * 60_000);
  } catch {
    // No zone that is known.
    return undefined;
  }
}

function offsetAt(timeZone: string, at: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const shown = Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
  return Math.round((shown - at) / 60_000);
}
