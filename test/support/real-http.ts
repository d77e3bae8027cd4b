// HTTP over the real app layer and a real database, on a real socket; hosts are joined in memory.
import type { Test } from 'tap';
import { ADMIN, COMPOSE, ControlWorld } from './control-world.ts';
import { startTestHttp, type Options, type TestHttp } from './http-server.ts';

export interface RealHttp {
  world: ControlWorld;
  http: TestHttp;
  /** May do everything. */
  key: string;
}

export async function startRealHttp(t: Test, options: Options & { world?: ControlWorld } = {}): Promise<RealHttp> {
  const world = options.world ?? new ControlWorld(t);
  const http = await startTestHttp(t, { ...options, deps: { app: world.app, ...options.deps } });
  const { secret: key } = await world.app.keys.create(ADMIN, { name: 'admin', permissions: ['*'] });
  return { world, http, key };
}

/** A body of POST /api/services. */
export const composeBody = (name: string, more: object = {}) => ({
  name,
  deploy_method: 'compose',
  compose: COMPOSE,
  ...more,
});
