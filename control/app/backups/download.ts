// Backups on their way through control: nothing of them stays here, and no more is asked of a host than is taken.
import { LongshoreError } from '#shared/errors.ts';
import type { StreamReader } from '#shared/protocol/peer-types.ts';
import type { Stores } from '../../store/stores.ts';
import type { Access } from '../access/access.ts';
import { holds } from '../access/permissions.ts';
import type { BackupDownloads, DownloadedBackup } from '../api/backups.ts';
import type { Caller } from '../api/caller.ts';
import type { HostLinks } from '../hosts/host-links.ts';

/** Each is a restic on its host, and holds up the deletion of backups there. */
const MOST_AT_ONCE = 4;
const RETRY_S = 60;

export interface DownloadDeps {
  stores: Stores;
  access: Access;
  links: Pick<HostLinks, 'openStream'>;
}

export class DownloadDesk implements BackupDownloads {
  readonly #deps: DownloadDeps;
  #underWay = 0;

  constructor(deps: DownloadDeps) {
    this.#deps = deps;
  }

  async open(caller: Caller, id: string, dump: string | null): Promise<DownloadedBackup> {
    const { stores, access, links } = this.#deps;
    const backup = access.requireBackup(caller, id);
    const { state, hostId, serviceId, serviceName, repositoryId } = backup;
    // Its files are the variables' values, too.
    if (!holds(caller.permissions, 'secrets.read'))
      throw new LongshoreError('forbidden', { message: 'A backup holds secrets: its download needs secrets.read' });
    if (state !== 'succeeded') throw new LongshoreError('state_conflict', { message: `Backup "${id}" is ${state}` });
    if (this.#underWay >= MOST_AT_ONCE)
      throw new LongshoreError('rate_limited', { message: 'Too many backups are downloaded now', retryAfter: RETRY_S });
    const repository = repositoryId === null ? null : (stores.backupRepositories.specOf(repositoryId) ?? null);
    this.#underWay += 1;
    try {
      const reader = links.openStream(hostId, 'backup', { serviceId, backupId: id, repository, dump });
      await reader.opened;
      const name = `${serviceName}-${id}${dump === null ? '.tar' : `-${dump}.dump`}`;
      return { name, bytes: this.#bytesOf(reader) };
    } catch (error) {
      this.#underWay -= 1;
      throw error;
    }
  }

  /** Let go of at its end, or when it is left: also before anything was taken, which a generator would not hear of. */
  #bytesOf(reader: StreamReader): AsyncIterableIterator<Uint8Array> {
    const frames = reader[Symbol.asyncIterator]();
    const leave = once(() => {
      this.#underWay -= 1;
      reader.cancel();
    });
    return {
      next: async () => {
        const step = await frames.next().catch((error: unknown) => {
          leave();
          throw error;
        });
        if (step.done === true) leave();
        return step;
      },
      return: async () => {
        leave();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
