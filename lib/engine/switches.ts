/** Settings that are yes or no. */

const yes = ["1", "true", "yes", "on"];
const no = ["0", "false", "no", "off"];

/**
 * Reads one.
 *
 * @param name of the variable in the environment
 * @param text its value; empty where it is not set
 * @param otherwise what holds where it is not set, or says something else: that is told in a line
 * @param goingOn how that line ends
 */
export function switchOf(name: string, text: string, otherwise: boolean, goingOn: string): boolean {
  const word = text.toLowerCase();
  if (yes.includes(word)) {
    return true;
  }
  if (no.includes(word)) {
    return false;
  }
  if (word !== "") {
    console.warn(`native engine: ${name} is "${word}", expected 1 or 0; going on ${goingOn}`);
  }
  return otherwise;
}
