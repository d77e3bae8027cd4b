// While a service is on its way, nothing else is done to it. What a move tidies up behind it is in nobody's way.
import { LongshoreError } from '#shared/errors.ts';
import type { Stores } from '../../store/stores.ts';

/** Throws `service_busy` naming the move. */
export function requireSettled(stores: Stores, { id, name }: { id: string; name: string }): void {
  const move = stores.moves.findOpen(id);
  if (!move || move.switchedAt !== null) return;
  throw new LongshoreError('service_busy', {
    message: `Service "${name}" is on its way to another host`,
    details: `Move ${move.id} is under way; wait for it or cancel it.`,
    retryAfter: 5,
  });
}
