// Uploaded certificates that Caddy does not take. It refuses the whole configuration for one of them, so those are left
// out: the other names of the host are not to wait for one user's mistake.
import { toLongshoreError } from '#shared/errors.ts';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';

type Pair = EdgeState['certificates'][number];

/** Of Caddy's answer: which of `load_pem`, and why. */
const BAD_PAIR = /PEM pair (\d+): ([^"\n]*)/;

export class Flaws {
  readonly #known = new Map<string, { pair: Pair; why: string }>();

  /** What Caddy is to be told: a name whose certificate is left out asks for one like the others. */
  leaveOut(state: EdgeState): EdgeState {
    const certificates = state.certificates.filter((pair) => !this.#isFlawed(pair));
    if (certificates.length === state.certificates.length) return state;
    const ids = new Set(certificates.map(({ id }) => id));
    const routes = state.routes.map((route) => {
      const { certificateId } = route;
      return certificateId !== null && !ids.has(certificateId) ? { ...route, certificateId: null } : route;
    });
    return { ...state, routes, certificates };
  }

  /** Whether the error is about one of the certificates in `tried`. */
  learn(tried: EdgeState, error: unknown): boolean {
    const [, index, why = ''] = BAD_PAIR.exec(toLongshoreError(error).details ?? '') ?? [];
    const pair = index === undefined ? undefined : tried.certificates[Number(index)];
    if (!pair) return false;
    this.#known.set(pair.id, { pair, why });
    return true;
  }

  /** Why the certificate is of no use. */
  find(certificateId: string | null): string | undefined {
    return certificateId === null ? undefined : this.#known.get(certificateId)?.why;
  }

  /** Another one in its place is tried. */
  #isFlawed(pair: Pair): boolean {
    const known = this.#known.get(pair.id);
    if (!known) return false;
    if (known.pair.certificate === pair.certificate && known.pair.key === pair.key) return true;
    this.#known.delete(pair.id);
    return false;
  }
}
