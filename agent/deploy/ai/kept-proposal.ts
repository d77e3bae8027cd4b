// Proposals that are kept with the commit they were made for, so that the same commit is the same service, after a crash
// and at the next redeploy too. Whoever reads one back judges it like a new one.
//
//   services/<name>/proposal.json   what the service is deployed by
//   proposals/<digest>.json         of a plan or a job that only proposes: those leave the service's folder as it is
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { aiProposal, type AiProposal } from '#shared/protocol/ai-parts.ts';
import { sha256 } from '#shared/secrets.ts';
import type { ServiceSpec } from '#shared/model.ts';
import { ignore, readIfThere, writeAtomic, type Workspace } from '../workspace.ts';

const SECRET_MODE = 0o600;
/** About 100 KB each; the services of a host that are planned by AI at a time are fewer. */
const MAX_PLANNED = 50;

const kept = () => z.object({ commit: z.string(), proposal: aiProposal() });
export type KeptProposal = z.infer<ReturnType<typeof kept>>;

export interface Proposals {
  find(commit: string): Promise<AiProposal | undefined>;
  /** Of an earlier commit: the next question goes on from there. */
  findPrevious(): Promise<AiProposal | undefined>;
  keep(proposal: KeptProposal): Promise<void>;
  /** One that has failed or was rejected is not tried again. Already gone is fine. */
  forget(commit: string): Promise<void>;
}

interface Subject {
  workspace: Workspace;
  dataDir: string;
  spec: ServiceSpec;
}

/** What a deploy takes and keeps: also what was planned before it. */
export function deployedProposals(subject: Subject): Proposals {
  const own = ownFile(subject);
  const readers = readersOf(subject);
  const find = async (commit: string) => {
    const proposal = await readers.find(commit);
    if (proposal && (await read(own))?.commit !== commit) await write(own, { commit, proposal });
    return proposal;
  };
  return { ...readers, find, keep: (proposal) => write(own, proposal) };
}

/** What a plan takes and keeps. */
export function plannedProposals(subject: Subject): Proposals {
  const planned = plannedFile(subject);
  const keep = async (proposal: KeptProposal) => {
    await write(planned, proposal);
    await prune(dirname(planned));
  };
  return { ...readersOf(subject), keep };
}

const ownFile = ({ workspace }: Subject): string => workspace.path('proposal.json');

/** A service may be planned before it has an id; another's of the same name is another one. */
function plannedFile({ dataDir, spec: { name, customerId, git } }: Subject): string {
  const digest = sha256(JSON.stringify([customerId, name, git?.url, git?.branch, git?.path]));
  return join(dataDir, 'proposals', `${digest}.json`);
}

function readersOf(subject: Subject): Omit<Proposals, 'keep'> {
  const files = [ownFile(subject), plannedFile(subject)];
  return {
    async find(commit) {
      const found = await Promise.all(files.map(read));
      return found.find((one) => one?.commit === commit)?.proposal;
    },
    findPrevious: async () => (await read(ownFile(subject)))?.proposal,
    async forget(commit) {
      for (const file of files) if ((await read(file))?.commit === commit) await rm(file, { force: true });
    },
  };
}

async function write(file: string, proposal: KeptProposal): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeAtomic(file, `${JSON.stringify(proposal, undefined, 2)}\n`, SECRET_MODE);
}

/** Undefined when there is none, and when somebody broke the file. */
async function read(file: string): Promise<KeptProposal | undefined> {
  const text = await readIfThere(file);
  try {
    return text === undefined ? undefined : kept().safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The oldest go. */
async function prune(folder: string): Promise<void> {
  const paths = (await readdir(folder)).map((name) => join(folder, name));
  if (paths.length <= MAX_PLANNED) return;
  const ages = await Promise.all(
    paths.map(async (path) => ({ path, at: (await stat(path).catch(ignore('ENOENT')))?.mtimeMs ?? 0 })),
  );
  const old = ages.toSorted((a, b) => b.at - a.at).slice(MAX_PLANNED);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
