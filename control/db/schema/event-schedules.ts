// Which schedule a line of the timeline is about.
export const EVENT_SCHEDULES = `
ALTER TABLE events ADD COLUMN schedule_id TEXT;
`;
