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
