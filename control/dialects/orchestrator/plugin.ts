// The Services API of container orchestrators at /api/system/services: managed services by name.
import type { Dialect } from '../dialect.ts';
import { wordError } from './mapping.ts';

export const orchestrator: Dialect = {
  name: 'orchestrator',
  prefix: '/api/system/services',
  wordError,
  mount: () => {},
};
