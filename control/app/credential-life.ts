// What API keys and sessions share: when each was last used, and who must hear of its end. Use is kept in memory and
// written now and then, because a write for every request would cost more than the request.

export class CredentialLife {
  readonly #used = new Map<string, number>();
  readonly #listeners = new Set<(id: string) => void>();

  noteUse(id: string, at: number): void {
    this.#used.set(id, at);
  }

  /** Undefined when it was not used since the last `takeUses`. */
  lastUse(id: string): number | undefined {
    return this.#used.get(id);
  }

  /** What is to be written, once. */
  takeUses(): [id: string, at: number][] {
    const uses = [...this.#used];
    this.#used.clear();
    return uses;
  }

  onEnd(listener: (id: string) => void): () => void {
    const own = (id: string) => listener(id);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  end(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}
