// The engine with the verdicts of our own probes in it: whoever looks at a container finds its health where Docker's
// would be, and need not know whose it is.
import { viewOver } from '../docker/engine-view.ts';
import type { Container, Engine } from '../docker/engine.ts';

export interface Verdicts {
  show(container: Container): Container;
}

export function withProbes(engine: Engine, verdicts: Verdicts): Engine {
  const showAll = (containers: Container[]) => containers.map((container) => verdicts.show(container));
  const view: Pick<Engine, 'listProject' | 'listManaged' | 'findContainer'> = {
    listProject: async (project) => showAll(await engine.listProject(project)),
    listManaged: async () => showAll(await engine.listManaged()),
    findContainer: async (id) => {
      const container = await engine.findContainer(id);
      return container && verdicts.show(container);
    },
  };
  return viewOver(engine, view);
}
