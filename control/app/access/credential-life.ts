// What API keys and sessions share: when each was last used, and who must hear of its end. Use is kept in memory and
// written now and then, because a write for every request would cost more than the request.
import type { Stores } from '../../store/stores.ts';

export class CredentialLife {
  readonly #writer: Stores['writer'];
  readonly #setUsed: (id: string, at: number) => void;
  readonly #used = new Map<string, number>();
  readonly #listeners = new Set<(id: string) => void>();

  /** `setUsed` writes down one use; what is gone by then is no fault. */
  constructor(writer: Stores['writer'], setUsed: (id: string, at: number) => void) {
    this.#writer = writer;
    this.#setUsed = setUsed;
  }

  use(id: string, at: number): void {
    this.#used.set(id, at);
  }

  /** Undefined when all its uses are written down. */
  lastUse(id: string): number | undefined {
    return this.#used.get(id);
  }

  async noteUses(): Promise<void> {
    const uses = [...this.#used];
    if (uses.length === 0) return;
    await this.#writer.write(() => uses.forEach(([id, at]) => this.#setUsed(id, at)));
    for (const [id, at] of uses) if (this.#used.get(id) === at) this.#used.delete(id);
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
