// Health checks as the API takes and shows them: the same fields both ways.
import { z } from 'zod';
import { CHECK_BOUNDS, MAX_CHECKS, type HealthCheckSpec } from '#shared/health-check.ts';
import { argument } from './exec.ts';

const MAX_COMMAND_BYTES = 16 * 1024;

const whole = ([least, most]: readonly [number, number]) => z.number().int().min(least).max(most).optional();

const commonFields = {
  service: z.string().min(1).max(255).optional().meta({
    description: 'Of the compose file; absent: its only one, or the one that the URL leads to',
    example: 'web',
  }),
  interval_s: whole(CHECK_BOUNDS.intervalS).meta({ description: "Between two checks; else the file's, or 10" }),
  timeout_s: whole(CHECK_BOUNDS.timeoutS).meta({ description: "Past it a check has failed; else the file's, or 5" }),
  start_period_s: whole(CHECK_BOUNDS.startPeriodS).meta({
    description: "After a start, in which failures do not count; else the file's, or 60",
  }),
  failure_threshold: whole(CHECK_BOUNDS.failureThreshold).meta({
    description: "Failures in a row that make it unhealthy; else the file's `retries`, or 3",
  }),
  success_threshold: whole(CHECK_BOUNDS.successThreshold).meta({
    description: 'Passes in a row that make it healthy; else 1',
  }),
};

const port = z.number().int().min(1).max(65_535).optional().meta({
  description:
    'Of the container; absent: the one the compose file publishes, else the lowest that it or the image exposes',
  example: 8080,
});

const httpCheck = z.strictObject({
  type: z.literal('http').meta({ description: 'A GET; a redirect is an answer, and is not followed' }),
  ...commonFields,
  port,
  path: z
    .string()
    .max(2048)
    .regex(/^\/[\x21-\x7e]*$/, 'Begins with "/"; anything beyond ASCII, and a space, is percent-encoded')
    .optional()
    .meta({ description: 'With its query; absent: /', example: '/healthz' }),
  host: z
    .string()
    .max(255)
    .regex(/^[\w.:[\]-]+$/, 'A host name')
    .optional()
    .meta({ description: 'For the Host header; absent: localhost', example: 'app.example.com' }),
  expect_status: z.number().int().min(100).max(599).optional().meta({
    description: 'The only status that passes; absent: any from 200 to 399',
  }),
});

const tcpCheck = z.strictObject({
  type: z.literal('tcp').meta({ description: 'A connection; nothing is sent' }),
  ...commonFields,
  port,
});

const execCheck = z.strictObject({
  type: z.literal('exec').meta({ description: 'A program in the container; exit code 0 passes' }),
  ...commonFields,
  command: z
    .array(argument.max(4096))
    .min(1)
    .max(64)
    .refine(([program]) => program !== '', 'Name the program to run')
    .refine((command) => command.join('').length <= MAX_COMMAND_BYTES, 'Larger than 16 KiB')
    .meta({
      description: 'The program and its arguments; no shell reads them. Secret values as `***` without `secrets.read`',
      example: ['pg_isready', '-U', 'app'],
    }),
});

export const healthCheckView = z
  .discriminatedUnion('type', [httpCheck, tcpCheck, execCheck])
  .meta({ id: 'HealthCheck' });

export const healthChecksField = z
  .array(healthCheckView)
  .max(MAX_CHECKS)
  .meta({
    description: "At most one for each compose service; it counts in place of Docker's own health check",
    example: [{ type: 'http', path: '/healthz' }],
  });

type HealthCheckBody = z.infer<typeof healthCheckView>;

/** Both have the same fields, each in the spelling of its side. */
const SPELLINGS: readonly (readonly [shown: string, known: string])[] = [
  ['interval_s', 'intervalS'],
  ['timeout_s', 'timeoutS'],
  ['start_period_s', 'startPeriodS'],
  ['failure_threshold', 'failureThreshold'],
  ['success_threshold', 'successThreshold'],
  ['expect_status', 'expectStatus'],
];
const KNOWN = new Map(SPELLINGS);
const SHOWN = new Map(SPELLINGS.map(([shown, known]) => [known, shown]));

/** Without what was left out, so that the same check given twice is no change. */
const respell = (check: object, spelling: ReadonlyMap<string, string>): unknown =>
  Object.fromEntries(
    Object.entries(check).flatMap(([name, value]) =>
      value === undefined ? [] : [[spelling.get(name) ?? name, value as unknown]],
    ),
  );

export const fromHealthChecks = (checks: readonly HealthCheckBody[]): HealthCheckSpec[] =>
  checks.map((check) => respell(check, KNOWN) as HealthCheckSpec);

export const toHealthChecks = (checks: readonly HealthCheckSpec[]): HealthCheckBody[] =>
  checks.map((check) => respell(check, SHOWN) as HealthCheckBody);
