// The engine as it would be if adopted containers carried the labels of their service: every list, every look and every
// event shows them as the service's own. Nothing above this file has to know which are which, but for a deploy (see
// deploy/adoption), because Compose sees the labels that are really there.
import type { Adopted } from '../state/adopted.ts';
import { viewOver } from './engine-view.ts';
import { SERVICE_LABEL, type Container, type ContainerSummary, type Engine } from './engine.ts';
import type { LiveContainer } from './live-container.ts';

export interface AdoptedSource {
  all(): Adopted[];
  find(containerId: string): Adopted | undefined;
  /** Docker has removed it. */
  forget(containerId: string): void;
}

export function withAdopted(engine: Engine, adopted: AdoptedSource): Engine {
  return viewOver(engine, viewOf(engine, adopted));
}

type Shown = Pick<
  Engine,
  'listProject' | 'listManaged' | 'listAll' | 'listUsers' | 'findContainer' | 'describeProject' | 'openEvents'
>;

function viewOf(engine: Engine, adopted: AdoptedSource): Shown {
  return {
    async listProject(project) {
      const own = adopted.all().filter((one) => one.project === project);
      return withRest(engine, adopted, await engine.listProject(project), own);
    },
    listManaged: async () => withRest(engine, adopted, await engine.listManaged(), adopted.all()),
    listAll: async () => showAll(adopted, await engine.listAll()),
    listUsers: async (volume) => showAll(adopted, await engine.listUsers(volume)),
    async findContainer(id) {
      const container = await engine.findContainer(id);
      return container && show(container, adopted.find(id));
    },
    async describeProject(project) {
      const own = adopted.all().filter((one) => one.project === project);
      const listed = await engine.describeProject(project);
      const rest = await engine.describeContainers(missingIn(listed, own));
      return [...listed, ...rest].map((one) => describe(one, adopted.find(one.id))).toSorted(byName);
    },
    openEvents: (onEvent, signal) =>
      engine.openEvents((event) => {
        const owner = adopted.find(event.containerId);
        if (owner && event.action === 'destroy') adopted.forget(owner.id);
        const { project, service } = owner ?? event;
        onEvent({ ...event, project, service });
      }, signal),
  };
}

/** What Docker lists goes by the labels that are there; what it leaves out is looked up one by one. */
async function withRest(
  engine: Engine,
  adopted: AdoptedSource,
  listed: readonly Container[],
  wanted: readonly Adopted[],
): Promise<Container[]> {
  const found = await Promise.all(missingIn(listed, wanted).map((id) => engine.findContainer(id)));
  const all = [...listed, ...found.filter((container) => container !== undefined)];
  return all.map((container) => show(container, adopted.find(container.id))).toSorted(byName);
}

function missingIn(listed: readonly { id: string }[], wanted: readonly Adopted[]): string[] {
  const ids = new Set(listed.map(({ id }) => id));
  return wanted.map(({ id }) => id).filter((id) => !ids.has(id));
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);

const describe = (container: LiveContainer, owner: Adopted | undefined): LiveContainer =>
  owner ? { ...container, project: owner.project, service: owner.service } : container;

function showAll(adopted: AdoptedSource, list: readonly ContainerSummary[]): ContainerSummary[] {
  const owners = new Map(adopted.all().map((owner) => [owner.id, owner]));
  return list.map((container) => label(container, owners.get(container.id)));
}

const show = (container: Container, owner: Adopted | undefined): Container =>
  owner ? { ...label(container, owner), service: owner.service, isAdopted: true } : container;

/** Compose's own labels stay as they are: they say what Compose sees. */
const label = <T extends Container | ContainerSummary>(container: T, owner: Adopted | undefined): T =>
  owner
    ? { ...container, project: owner.project, labels: { ...container.labels, [SERVICE_LABEL]: owner.serviceId } }
    : container;
