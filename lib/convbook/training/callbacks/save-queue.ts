/** Saves that run one after the other while training goes on; the first that fails is told when somebody asks. */

export class SaveQueue {
  #tail: Promise<void> = Promise.resolve();
  #pendingCount = 0;
  #failure: unknown;

  /** Saves that are under way or wait. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /**
   * Begins a save when those before it are done, whether or not they failed.
   *
   * @param save what to do; what it throws, {@link throwFailure} does
   */
  add(save: () => Promise<void>): void {
    this.#pendingCount++;
    this.#tail = this.#tail.then(async () => {
      try {
        await save();
      } catch (error) {
        this.#failure ??= error;
      } finally {
        this.#pendingCount--;
      }
    });
  }

  /** Waits until all that were added are over. */
  async wait(): Promise<void> {
    await this.#tail;
  }

  /** Throws what a save has thrown since the last call, if one has. */
  throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) {
      throw failure;
    }
  }
}
