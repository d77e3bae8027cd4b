// The formats that can be imported, in the order in which texts are compared with them: the plainest marks first.
import type { ImportFormat } from '../schema.ts';
import { caprover } from './caprover.ts';
import { coolify } from './coolify.ts';
import type { Converter } from './conversion.ts';
import { dokploy } from './dokploy.ts';
import { longshore } from './longshore.ts';
import { portainer } from './portainer.ts';
import { runtipi } from './runtipi.ts';

export const CONVERTERS: Record<ImportFormat, Converter> = {
  longshore,
  caprover,
  runtipi,
  dokploy,
  portainer,
  coolify,
};
