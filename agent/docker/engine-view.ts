// An engine that answers some calls itself and passes the others on.
import type { Engine } from './engine.ts';

export function viewOver(engine: Engine, view: Partial<Engine>): Engine {
  // The engine's methods are its class's, with fields of their own: they must be called on the engine itself.
  return new Proxy(engine, {
    get(target, name) {
      if (Object.hasOwn(view, name)) return Reflect.get(view, name) as unknown;
      const method: unknown = Reflect.get(target, name);
      return typeof method === 'function' ? (method.bind(target) as unknown) : method;
    },
  });
}
