// Services that hosts have and nobody here can name, because control came from a backup: what is told of them is not the
// host's fault. As each host says at its hello; lives as long as the process.
export class ForgottenServices {
  readonly #services = new Map<string, ReadonlySet<string>>();

  /** The host goes on telling of them. */
  note(hostId: string, serviceIds: readonly string[]): void {
    this.#services.set(hostId, new Set(serviceIds));
  }

  has(hostId: string, serviceId: string): boolean {
    return this.#services.get(hostId)?.has(serviceId) ?? false;
  }
}
