// Events of a time that this control plane has forgotten, because it came from a backup. What they are about may be
// unknown here, and that is not the host's fault. Lives as long as the process, as the suspects of lost-jobs.ts do.
export class ForgottenPast {
  readonly #upTo = new Map<string, number>();
  readonly #services = new Map<string, ReadonlySet<string>>();

  /** The host came back to a restored control plane with events up to this one. */
  note(hostId: string, lastEvent: number): void {
    this.#upTo.set(hostId, lastEvent);
  }

  /** Services that the host has and nobody here knows, as it says at each hello: it goes on telling of them. */
  noteServices(hostId: string, serviceIds: readonly string[]): void {
    this.#services.set(hostId, new Set(serviceIds));
  }

  hasService(hostId: string, serviceId: string): boolean {
    return this.#services.get(hostId)?.has(serviceId) ?? false;
  }

  covers(hostId: string, seq: number): boolean {
    const upTo = this.#upTo.get(hostId);
    if (upTo === undefined || seq <= upTo) return upTo !== undefined;
    this.#upTo.delete(hostId);
    return false;
  }
}
