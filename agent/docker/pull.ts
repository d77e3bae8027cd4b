// Follows a pull: Docker's JSON lines become a percentage over all layers, and its error line an error.
import { createInterface } from 'node:readline';
import type { PullUpdate } from './engine.ts';
import { dockerFault } from './faults.ts';

type Row = { status?: string; id?: string; error?: string; progressDetail?: { current?: number; total?: number } };

export async function followPull(
  stream: NodeJS.ReadableStream,
  onProgress: ((update: PullUpdate) => void) | undefined,
): Promise<void> {
  const layers = new Map<string, { current: number; total: number }>();
  for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
    if (line === '') continue;
    const row = JSON.parse(line) as Row;
    if (row.error) throw dockerFault('The pull failed', row.error, 'image_unavailable');
    if (row.status === 'Downloading' && row.id) layers.set(row.id, counts(row));
    onProgress?.({ percent: percentOf(layers), message: row.id ? `${row.status} ${row.id}` : (row.status ?? '') });
  }
}

const counts = ({ progressDetail }: Row) => ({
  current: progressDetail?.current ?? 0,
  total: progressDetail?.total ?? 0,
});

function percentOf(layers: ReadonlyMap<string, { current: number; total: number }>): number {
  let current = 0;
  let total = 0;
  for (const layer of layers.values()) {
    current += layer.current;
    total += layer.total;
  }
  return total === 0 ? 0 : Math.min(100, Math.floor((100 * current) / total));
}
