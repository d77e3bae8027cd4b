// Which containers are being made anew, in the agent's own state.
import type { Meta } from '../state/meta.ts';
import type { UpdateNote, UpdateNotes } from './update.ts';

export function updateNotesIn(meta: Pick<Meta, 'get' | 'set'>): UpdateNotes {
  const all = () => JSON.parse(meta.get('containerUpdates') ?? '[]') as UpdateNote[];
  const put = (notes: UpdateNote[]) => meta.set('containerUpdates', JSON.stringify(notes));
  const without = (id: string) => all().filter((note) => note.id !== id);
  return { all, add: (note) => put([...without(note.id), note]), remove: (id) => put(without(id)) };
}
