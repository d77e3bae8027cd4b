// What a schedule is for, in words; and the runs that failed, which somebody looks for.
export const SCHEDULE_DESCRIPTIONS = `
ALTER TABLE schedules ADD COLUMN description TEXT;
CREATE INDEX schedule_runs_failed ON schedule_runs (due_at) WHERE state = 'failed';
`;
