// Labels of hosts in bodies: whoever gives them, they keep one grammar.
import { z } from 'zod';
import { LABEL_NAME, LABEL_NAME_RULE, MAX_HOST_LABELS } from '../../app/hosts/labels.ts';

const NO_CONTROL_CHARACTERS = /^\P{Cc}*$/u;

export const hostLabelValue = z.string().max(255).regex(NO_CONTROL_CHARACTERS, 'Must not have control characters');

/** `entries`: a change may take some off and put others on. */
export const hostLabelsOf = <Value extends z.ZodType>(value: Value, entries = MAX_HOST_LABELS) =>
  z
    .record(z.string().regex(LABEL_NAME, `Use ${LABEL_NAME_RULE}`), value)
    .refine((labels) => Object.keys(labels).length <= entries, `At most ${entries} entries`);
