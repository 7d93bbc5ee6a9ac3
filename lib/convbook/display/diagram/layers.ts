/** Places boxes of a graph without circles in rows from top to bottom, and says which way its lines go. */
import { sure } from "./sure.ts";

/** Something to be placed. */
export interface Item {
  readonly width: number;
  readonly height: number;
}

/** A line from one item to another; the offsets say where it leaves and arrives, from the items' middles. */
export interface Line {
  readonly from: number;
  readonly to: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything lies. */
export interface Layers {
  /** Middle and top of each item. */
  readonly places: readonly Point[];
  /** For each line the points at which it is upright, in pairs of where such a piece begins and where it ends. */
  readonly ways: readonly (readonly Point[])[];
  readonly width: number;
  readonly height: number;
}

interface Place {
  /** Number of the item; -1 where a long line passes. */
  readonly item: number;
  readonly width: number;
  readonly height: number;
  x: number;
}

interface Link {
  readonly above: Place;
  readonly below: Place;
  readonly aboveOffset: number;
  readonly belowOffset: number;
  readonly weight: number;
}

/** Room between rows, in which lines bend and labels stand. */
export const rowGap = 34;
/** The same beside a row in which lines only come in or go out. */
const edgeGap = 22;
const columnGap = 26;
const passingWidth = 8;
const sweeps = 60;

/** The row of each item: one below the lowest of those that lead to it. Lines that would close a circle do not count. */
export function rowsOf(count: number, lines: readonly { readonly from: number; readonly to: number }[]): number[] {
  const rows = new Array<number>(count).fill(-1);
  const open = new Set<number>();
  const visit = (item: number): number => {
    const known = sure(rows[item]);
    if (known >= 0) {
      return known;
    }
    open.add(item);
    let row = 0;
    for (const { from, to } of lines) {
      if (to === item && !open.has(from)) {
        row = Math.max(row, visit(from) + 1);
      }
    }
    open.delete(item);
    rows[item] = row;
    return row;
  };
  for (let item = 0; item < count; item++) {
    visit(item);
  }
  return rows;
}

/**
 * Places items in rows.
 *
 * @param items what is placed; of those in one row the first stands leftmost where nothing speaks against it
 * @param lines what is connected
 * @param last items that stand in a row below all others
 */
export function layOut(items: readonly Item[], lines: readonly Line[], last: ReadonlySet<number>): Layers {
  const rows = rowsOf(items.length, lines);
  const bottom = Math.max(0, ...rows.filter((_, item) => !last.has(item))) + 1;
  for (const item of last) {
    rows[item] = Math.max(bottom, sure(rows[item]));
  }
  const places = items.map((item, number): Place => ({ ...item, item: number, x: 0 }));
  const layers: Place[][] = [];
  const layer = (row: number): Place[] => {
    layers[row] ??= [];
    return layers[row];
  };
  for (const place of places) {
    layer(sure(rows[place.item])).push(place);
  }
  const links: Link[] = [];
  const passing = lines.map((line) => {
    const chain: Place[] = [sure(places[line.from])];
    for (let row = sure(rows[line.from]) + 1; row < sure(rows[line.to]); row++) {
      const place: Place = { item: -1, width: passingWidth, height: 0, x: 0 };
      layer(row).push(place);
      chain.push(place);
    }
    chain.push(sure(places[line.to]));
    for (let i = 1; i < chain.length; i++) {
      const [above, below] = [sure(chain[i - 1]), sure(chain[i])];
      const passes = [above, below].filter(({ item }) => item < 0).length;
      links.push({
        above,
        below,
        aboveOffset: i === 1 ? line.fromOffset : 0,
        belowOffset: i === chain.length - 1 ? line.toOffset : 0,
        weight: sure([1, 0.01, 4][passes]),
      });
    }
    return chain;
  });
  order(layers, links);
  align(layers, links);
  return finish(layers, places, passing, lines);
}

/** Puts the places of each row into the order in which lines cross least. */
function order(layers: Place[][], links: readonly Link[]): void {
  const position = new Map<Place, number>();
  const number = () => {
    for (const row of layers) {
      row.forEach((place, i) => {
        position.set(place, i);
      });
    }
  };
  const at = (place: Place, offset: number) => sure(position.get(place)) + offset / (place.width + columnGap);
  number();
  let best = layers.map((row) => [...row]);
  let fewest = crossings(links, at);
  for (let sweep = 0; sweep < 8 && fewest > 0; sweep++) {
    const isDown = sweep % 2 === 0;
    for (const row of isDown ? layers : [...layers].reverse()) {
      const wanted = new Map<Place, number>();
      for (const place of row) {
        const ends = links.flatMap(({ above, below, aboveOffset, belowOffset }) => {
          if (isDown) {
            return below === place ? [at(above, aboveOffset)] : [];
          }
          return above === place ? [at(below, belowOffset)] : [];
        });
        const mean = ends.reduce((sum, end) => sum + end, 0) / ends.length;
        wanted.set(place, ends.length === 0 ? sure(position.get(place)) : mean);
      }
      row.sort((a, b) => sure(wanted.get(a)) - sure(wanted.get(b)));
      number();
    }
    const now = crossings(links, at);
    if (now < fewest) {
      fewest = now;
      best = layers.map((row) => [...row]);
    }
  }
  best.forEach((row, i) => {
    layers[i] = row;
  });
}

function crossings(links: readonly Link[], at: (place: Place, offset: number) => number): number {
  let count = 0;
  for (const [i, a] of links.entries()) {
    for (const b of links.slice(i + 1)) {
      const above = at(a.above, a.aboveOffset) - at(b.above, b.aboveOffset);
      const below = at(a.below, a.belowOffset) - at(b.below, b.belowOffset);
      count += above * below < 0 ? 1 : 0;
    }
  }
  return count;
}

/** Moves places sideways so that lines are as straight as the order and the widths allow. */
function align(layers: readonly (readonly Place[])[], links: readonly Link[]): void {
  for (const row of layers) {
    spread(
      row,
      row.map(() => ({ x: 0, weight: 1 })),
    );
  }
  const around = new Map<Place, { other: Place; shift: number; weight: number }[]>();
  const note = (place: Place, other: Place, shift: number, weight: number) => {
    const known = around.get(place) ?? [];
    known.push({ other, shift, weight });
    around.set(place, known);
  };
  for (const { above, below, aboveOffset, belowOffset, weight } of links) {
    note(below, above, aboveOffset - belowOffset, weight);
    note(above, below, belowOffset - aboveOffset, weight);
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    for (const row of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const wishes = row.map((place) => {
        const ends = around.get(place) ?? [];
        const weight = ends.reduce((sum, end) => sum + end.weight, 0);
        const x = ends.reduce((sum, { other, shift, weight: w }) => sum + w * (other.x + shift), 0) / weight;
        return weight === 0 ? { x: place.x, weight: 0.01 } : { x, weight };
      });
      spread(row, wishes);
    }
  }
}

/** Places a row as near to the wishes as its widths allow: the nearest in the sense of weighted squares, by pooling neighbours that collide. */
function spread(row: readonly Place[], wishes: readonly { readonly x: number; readonly weight: number }[]): void {
  const shifts: number[] = [];
  let shift = 0;
  row.forEach((place, i) => {
    const before = row[i - 1];
    shift += before === undefined ? 0 : (before.width + place.width) / 2 + columnGap;
    shifts.push(shift);
  });
  const pools: { x: number; weight: number; size: number }[] = [];
  wishes.forEach(({ x, weight }, i) => {
    pools.push({ x: x - sure(shifts[i]), weight, size: 1 });
    for (;;) {
      const [left, right] = pools.slice(-2);
      if (left === undefined || right === undefined || left.x <= right.x) {
        break;
      }
      const both = left.weight + right.weight;
      pools.splice(-2, 2, {
        x: (left.x * left.weight + right.x * right.weight) / both,
        weight: both,
        size: left.size + right.size,
      });
    }
  });
  let i = 0;
  for (const { x, size } of pools) {
    for (const end = i + size; i < end; i++) {
      sure(row[i]).x = x + sure(shifts[i]);
    }
  }
}

function finish(
  layers: readonly (readonly Place[])[],
  places: readonly Place[],
  chains: readonly (readonly Place[])[],
  lines: readonly Line[],
): Layers {
  const all = layers.flat();
  const left = Math.min(...all.map(({ x, width }) => x - width / 2));
  const right = Math.max(...all.map(({ x, width }) => x + width / 2));
  const tops = new Map<Place, { readonly top: number; readonly from: number; readonly to: number }>();
  let y = 0;
  for (const [i, row] of layers.entries()) {
    const height = Math.max(...row.map((place) => place.height));
    for (const place of row) {
      tops.set(place, { top: y + (height - place.height) / 2, from: y, to: y + height });
    }
    const next = layers[i + 1];
    const isEdge = [row, next ?? []].some((places) => places.every((place) => place.height === 0));
    y += height + (next === undefined ? 0 : isEdge ? edgeGap : rowGap);
  }
  const topOf = (place: Place) => sure(tops.get(place)).top;
  const ways = chains.map((chain, number) => {
    const line = sure(lines[number]);
    return chain.flatMap((place, i): Point[] => {
      const { from, to } = sure(tops.get(place));
      if (i === 0) {
        const x = place.x - left + line.fromOffset;
        return [
          { x, y: topOf(place) + place.height },
          { x, y: to },
        ];
      }
      if (i === chain.length - 1) {
        const x = place.x - left + line.toOffset;
        return [
          { x, y: from },
          { x, y: topOf(place) },
        ];
      }
      const x = place.x - left;
      return [
        { x, y: from },
        { x, y: to },
      ];
    });
  });
  return {
    places: places.map((place) => ({ x: place.x - left, y: topOf(place) })),
    ways,
    width: right - left,
    height: y,
  };
}
