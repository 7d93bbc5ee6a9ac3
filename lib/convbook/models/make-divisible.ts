import { OptionError } from "../nn/index.ts";

/**
 * A width of channels rounded to a multiple of 8, as MobileNet's authors do, and torchvision and timm after them: the nearest that is no more than a
 * tenth less, and at least 8.
 *
 * @param channels the width, not rounded
 * @param options roundLimit: the share of `channels` that is not to be fallen below, 0.9 by default
 */
export function makeDivisible(channels: number, { roundLimit = 0.9 }: { readonly roundLimit?: number } = {}): number {
  const near = Math.max(8, Math.trunc((channels + 4) / 8) * 8);
  return near < roundLimit * channels ? near + 8 : near;
}

/**
 * Refuses what cannot multiply the widths or depths of a family of networks.
 *
 * @param mults by their options' names
 */
export function checkMults(owner: string, mults: Readonly<Record<string, number>>): void {
  for (const [name, mult] of Object.entries(mults)) {
    if (typeof mult !== "number" || !(mult > 0 && mult <= 64)) {
      throw new OptionError(owner, name, mult, "a number above 0 and of at most 64");
    }
  }
}
