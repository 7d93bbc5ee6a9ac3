/** What differs between systems for the engine in Node: how a file takes another's place. */

/** Codes with which Windows refuses to rename onto a file that another program has open, a virus scanner for instance. */
const held = new Set(["EPERM", "EACCES", "EBUSY"]);
const firstPause = 10;
/** How long a file may be held, ms. */
const patience = 2000;

/**
 * Renames a file onto another; on Windows again and again for a moment where that one is held open.
 *
 * @param rename the system's way
 * @throws the system's error
 */
export async function renameOver(
  rename: () => Promise<void>,
  system: NodeJS.Platform = process.platform,
  wait: (milliseconds: number) => Promise<unknown> = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds)),
): Promise<void> {
  for (let pause = firstPause, waited = 0; ; waited += pause, pause *= 2) {
    try {
      return await rename();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (system !== "win32" || !held.has(code ?? "") || waited + pause > patience) {
        throw error;
      }
      await wait(pause);
    }
  }
}
