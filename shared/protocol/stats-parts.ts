// What hosts tell and are asked about usage. The rules of schema.ts hold here too: append-only, built on first use.
import * as z from 'zod';
import { DOCKER_DISK_PARTS, HOST_FIGURES, MAX_POINTS, USAGE_FIGURES } from '../stats.ts';
import { lazy, moment } from './parts.ts';

/** A figure that an older host does not know is not known. */
const figure = () => z.number().nullable().default(null);

const figures = <const Name extends string>(names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, figure()])) as Record<Name, ReturnType<typeof figure>>;

export const hostSample = lazy(() =>
  z.object({
    ...figures(HOST_FIGURES),
    load5: figure(),
    load15: figure(),
    memoryTotalBytes: figure(),
    diskTotalBytes: figure(),
    uptimeS: figure(),
    docker: z
      .object({ ...figures(DOCKER_DISK_PARTS), at: moment() })
      .nullable()
      .default(null),
    at: moment(),
  }),
);

/** A stretch of time; see agent/stats/history/downsample.ts for what is absent. */
const stretchFields = {
  since: moment().optional(),
  until: moment().optional(),
  stepMs: z.number().int().positive().optional(),
};
export const hostStatsQuestion = lazy(() => z.object(stretchFields));
export const serviceStatsQuestion = lazy(() =>
  z.object({
    serviceId: z.string(),
    /** Name of the one that is meant; absent: all of them together. */
    container: z.string().max(255).optional(),
    ...stretchFields,
  }),
);

const pointFields = { at: moment(), sampledAt: moment().nullable() };
const stretchAnswer = { since: moment(), until: moment(), stepMs: z.number().int().positive() };

export const hostStats = lazy(() =>
  z.object({
    ...stretchAnswer,
    points: z.array(z.object({ ...figures(HOST_FIGURES), ...pointFields })).max(MAX_POINTS),
  }),
);
export const serviceStats = lazy(() =>
  z.object({
    ...stretchAnswer,
    points: z.array(z.object({ ...figures(USAGE_FIGURES), ...pointFields })).max(MAX_POINTS),
    /** As they are now. */
    containers: z.array(
      z.object({
        ...figures(USAGE_FIGURES),
        name: z.string(),
        service: z.string(),
        restartCount: z.number().int().nonnegative(),
        startedAt: moment(),
        at: moment(),
      }),
    ),
  }),
);
