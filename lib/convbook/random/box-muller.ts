/**
 * Uniform float32 numbers as normal ones, by Box and Muller's method, each step rounded to float32 as PyTorch's vector code does.
 *
 * Weights are drawn by the hundred million, so logarithm, sine and cosine are not Math's: tables and short series give them with an error far below
 * float32's rounding, and where that leaves two float32 numbers to choose from (once in a million times), Math decides. The results are Math's, rounded.
 */

const f = Math.fround;
const twoPi = f(2 * Math.PI);
/** What one step of the uniform numbers is: they have 24 bits. */
const unit = 2 ** -24;

/** Places of the logarithm's table, between 1 and 2. */
const logBits = 10;
const logPlaces = 2 ** logBits;
const logAt = new Float64Array(logPlaces);
const inverseAt = new Float64Array(logPlaces);
for (let i = 0; i < logPlaces; i++) {
  const middle = 1 + (i + 0.5) / logPlaces;
  logAt[i] = Math.log(middle);
  inverseAt[i] = 1 / middle;
}
/** From here on the logarithm is so near to 0 that its series has too few digits. */
const nearOne = 2 ** 24 - 2 ** 14;
/** More than the errors of table and series. */
const logError = 1e-14;

/** Places of the table of sine and cosine, once around. */
const turnPlaces = 1024;
const turnStep = (2 * Math.PI) / turnPlaces;
const sineAt = new Float64Array(turnPlaces + 1);
const cosineAt = new Float64Array(turnPlaces + 1);
for (let i = 0; i <= turnPlaces; i++) {
  sineAt[i] = Math.sin(i * turnStep);
  cosineAt[i] = Math.cos(i * turnStep);
}
const turnError = 4e-15;

/**
 * Turns uniform numbers from [0, 1) with 24 bits into normal ones, sixteen at a time: the first eight give the radii, the others the angles.
 *
 * @param values changed in place from `start` to `end`; what is left over of sixteen stays
 */
export function toNormals(values: Float32Array, start: number, end: number, mean: number, std: number): void {
  const mean32 = f(mean);
  const std32 = f(std);
  for (let block = start; block + 16 <= end; block += 16) {
    for (let j = block; j < block + 8; j++) {
      const radius = f(Math.sqrt(f(-2 * logOf(1 - (values[j] as number)))));
      const theta = f(twoPi * (values[j + 8] as number));
      const place = (theta / turnStep + 0.5) | 0;
      const rest = theta - place * turnStep;
      const square = rest * rest;
      const sine = rest * (1 + square * (-1 / 6 + square / 120));
      const cosine = 1 + square * (-0.5 + square * (1 / 24 - square / 720));
      const [atSine, atCosine] = [sineAt[place] as number, cosineAt[place] as number];
      const y = atSine * cosine + atCosine * sine;
      const x = atCosine * cosine - atSine * sine;
      let sin = f(y - turnError);
      if (sin !== f(y + turnError)) {
        sin = f(Math.sin(theta));
      }
      let cos = f(x - turnError);
      if (cos !== f(x + turnError)) {
        cos = f(Math.cos(theta));
      }
      values[j] = f(radius * cos) * std32 + mean32;
      values[j + 8] = f(radius * sin) * std32 + mean32;
    }
  }
}

/** The logarithm of a multiple of 2^-24 from (0, 1], as a float32. */
function logOf(u: number): number {
  const units = (u / unit) | 0;
  if (units < nearOne) {
    const exponent = 31 - Math.clz32(units);
    const fraction = (units << (24 - exponent)) & 0xffffff;
    const place = fraction >>> (24 - logBits);
    const r = (1 + fraction * unit) * (inverseAt[place] as number) - 1;
    const series = r * (1 + r * (-1 / 2 + r * (1 / 3 + r * (-1 / 4 + r / 5))));
    const value = (exponent - 24) * Math.LN2 + (logAt[place] as number) + series;
    const rounded = f(value - logError);
    if (rounded === f(value + logError)) {
      return rounded;
    }
  }
  return f(Math.log(u));
}
